import BridgeCore
import YAML

/// Warns of routes that no event can reach, as far as the file shows it.
struct ReachChecks {
    /// Of a route with more sources the subjects are not compared, which would take long.
    private static let mostSources = 32

    let root: Located
    let sources: [PreparedSource]
    let findings: Findings

    func check(_ routes: [Route]) {
        let places = self.root.child("routes")?.items ?? []
        // Routes with mistakes are left out of the plan, and then the file is refused.
        guard places.count == routes.count else { return }
        let byName = Dictionary(self.sources.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var taken: [String: Located] = [:]
        var allTaken: Located?
        for (route, place) in zip(routes, places) {
            self.checkCondition(of: place)
            self.checkSubjects(of: route, place, byName)
            if let stop = allTaken ?? Self.stop(of: route, taken) {
                self.findings.warning(
                    "no event reaches this route, because the route in line \(stop.node.mark?.line ?? 1) takes all of them and has stop: true; move it above, or give that one a match",
                    at: place, rule: .unreachable)
            } else if Self.takesAll(route) {
                for name in route.sources ?? [] { taken[name] = place }
                if route.sources == nil { allTaken = place }
            }
        }
    }

    /// A constant in place of a condition.
    private func checkCondition(of place: Located) {
        guard let when = place.child("when"), let text = when.text?.split(separator: " ").joined() else { return }
        switch text {
        case "false", "null", "empty":
            self.findings.warning("never holds; write a condition, or remove the route", at: when, rule: .unreachable)
        case "true": self.findings.warning("always holds; leave it out", at: when, rule: .unreachable)
        default: break
        }
    }

    /// A subject that no source of the route has.
    private func checkSubjects(of route: Route, _ place: Located, _ byName: [String: PreparedSource]) {
        guard let subjects = route.match?.subjects, let match = place.child("match")?.child("subject") else { return }
        let names = (route.sources ?? Set(self.sources.map(\.name))).filter { route.match?.sources?.contains($0) ?? true }
        guard names.count <= Self.mostSources else { return }
        var read: [SubjectPattern] = []
        for name in names.sorted() {
            guard let source = byName[name], let patterns = Self.subjects(of: source) else { return }
            read += patterns
        }
        let shown = read.prefix(5).map(\.text).joined(separator: ", ")
        for (subject, item) in zip(subjects, match.items)
        where !read.isEmpty && !read.contains(where: { $0.mayOverlap(subject) }) {
            self.findings.warning(
                "'\(subject.text)' never matches, because the sources of the route read only \(shown); correct one of them",
                at: item, rule: .unreachable)
        }
    }

    /// The subjects of a source's events; `nil` where the settings do not show all of them.
    private static func subjects(of source: PreparedSource) -> [SubjectPattern]? {
        let places = source.settings.readPlaces
        guard !places.isEmpty, !source.normalise.setsSubject, places.allSatisfy({ ["topic", "channel"].contains($0.kind) }) else {
            return nil
        }
        var patterns: [SubjectPattern] = []
        for place in places {
            switch place.names {
            case .one(let name):
                guard let pattern = try? SubjectPattern(name, syntax: .exact) else { return nil }
                patterns.append(pattern)
            case .matching(let pattern): patterns.append(pattern)
            }
        }
        return patterns
    }

    /// Whether later routes see nothing of the route's sources.
    private static func takesAll(_ route: Route) -> Bool {
        route.stop && route.match == nil && route.when == nil && route.dedupe == nil && (route.tools?.isEmpty ?? true)
    }

    /// The route that stops the events of all sources of a later one; `nil` when one of them goes on.
    private static func stop(of route: Route, _ taken: [String: Located]) -> Located? {
        guard let sources = route.sources, sources.allSatisfy({ taken[$0] != nil }) else { return nil }
        return sources.sorted().first.flatMap { taken[$0] }
    }
}
