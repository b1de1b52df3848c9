/// Why a route takes an event or does not.
package struct RouteDecision: Sendable {
    /// The reason.
    package enum Verdict: Sendable {
        /// It takes the event.
        case takes
        /// It is for other sources.
        case otherSource(Set<String>)
        /// A condition of `match` does not hold.
        case unmatched(FailedCondition)
        /// `when` is not true: the expression, and its result as JSON or in words.
        case isFalse(expression: String, result: String)
        /// `when` or `set` fails: the key, and the error.
        case fails(key: String, error: String)
        /// An earlier route takes the event and stops.
        case isStopped(by: RouteIndex)
    }

    /// The route.
    package let route: RouteIndex
    /// Why it takes the event or does not.
    package let verdict: Verdict
    /// Expressions of other keys that failed, such as `dedupe`.
    package let failures: [String]
}

extension RouteTable {
    /// Why each route took an event or did not, in the order of the file.
    ///
    /// The routing has decided; this only finds the reason for each route that is not in it, with the same conditions.
    ///
    /// - Parameters:
    ///   - failures: what the routing reported.
    func decisions(
        for event: Event, _ routing: Routing, failures: [(route: RouteIndex, error: ExpressionError)], _ reader: EventReader,
        now: Timestamp
    ) -> [RouteDecision] {
        let taken = Set(routing.plan.entries.map(\.route))
        reader.load(event, now: now)
        var stop: RouteIndex?
        return self.routes.enumerated().map { place, route in
            let index = RouteIndex(place)
            let errors = failures.filter { $0.route == index }.map(\.error.message)
            if taken.contains(index) {
                if route.stop, stop == nil { stop = index }
                return RouteDecision(route: index, verdict: .takes, failures: errors)
            }
            let verdict = stop.map { .isStopped(by: $0) } ?? self.refusal(route, of: event, errors.first, reader)
            return RouteDecision(route: index, verdict: verdict, failures: [])
        }
    }

    private func refusal(_ route: Route, of event: Event, _ error: String?, _ reader: EventReader) -> RouteDecision.Verdict {
        if let sources = route.sources, !sources.contains(event.source) { return .otherSource(sources) }
        if let failure = route.match?.failure(reader) { return .unmatched(failure) }
        guard let when = route.when else { return .fails(key: "set", error: error ?? "it is not known why") }
        do {
            let result = try reader.value(of: when, .condition)
            if result.isTrue { return .fails(key: "set", error: error ?? "it is not known why") }
            return .isFalse(expression: when.text, result: result == .none ? "no result" : result == .null ? "null" : result.text)
        } catch {
            return .fails(key: "when", error: "\(ExpressionError(wrapping: error))")
        }
    }
}
