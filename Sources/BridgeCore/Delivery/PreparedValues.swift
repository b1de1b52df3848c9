/// Results of expressions for one delivery, evaluated before the sink receives it.
final class PreparedValues: Sendable {
    /// By ``Expression/identity``, as templates see the event.
    let results: [ObjectIdentifier: Result<ExpressionValue, ExpressionError>]

    init(_ results: [ObjectIdentifier: Result<ExpressionValue, ExpressionError>]) {
        self.results = results
    }
}

extension EventReader {
    /// Evaluates what the sink's templates need for some deliveries, together.
    ///
    /// - Parameter templates: by variant.
    /// - Returns: the first deliveries with their results, at least one; fewer than all where the results would need
    ///   too much memory.
    func prepare(_ deliveries: [Delivery], _ templates: [[Template]]) -> [Delivery] {
        self.begin(deliveries.map(\.event), now: self.clock())
        defer { self.endBatch() }
        var needed: [[any Expression]] = []
        var requests: [EvaluatedAhead.Request] = []
        for (place, delivery) in deliveries.enumerated() {
            self.load(at: place)
            let own = templates.indices.contains(delivery.variant) ? templates[delivery.variant] : []
            let expressions = own.flatMap { $0.expressions(for: self) }
            needed.append(expressions)
            requests += expressions.map { EvaluatedAhead.Request(expression: $0, event: place, view: .template) }
        }
        self.evaluateAhead(requests)
        var prepared: [Delivery] = []
        for (place, expressions) in needed.enumerated() {
            self.load(at: place)
            var results: [ObjectIdentifier: Result<ExpressionValue, ExpressionError>] = [:]
            for expression in expressions {
                guard let identity = expression.identity else { continue }
                let known = self.batch?.ahead.result(of: expression, event: place, .template)
                guard known != nil || place == 0 else { return prepared }
                results[identity] =
                    known ?? Result { try expression.evaluate(self.templateInput) }.mapError(ExpressionError.init(wrapping:))
            }
            var delivery = deliveries[place]
            delivery.prepared = PreparedValues(results)
            prepared.append(delivery)
        }
        return prepared
    }
}
