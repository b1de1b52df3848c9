/// Results of expressions for the events of a batch, evaluated together before they are needed one by one.
struct EvaluatedAhead {
    /// Which JSON an expression sees.
    enum View: Hashable {
        /// The event's own.
        case condition
        /// With tags and priority in any case, see ``EventReader/templateInput``.
        case template
    }

    /// An expression that will be needed.
    struct Request {
        let expression: any Expression
        /// The place of the event in the batch.
        let event: Int
        let view: View
    }

    private struct Key: Hashable {
        let expression: ObjectIdentifier
        let event: Int
        let view: View
    }

    private var results: [Key: Result<ExpressionValue, ExpressionError>] = [:]

    /// The result for an event, `nil` when it was not evaluated ahead.
    func result(of expression: any Expression, event: Int, _ view: View) -> Result<ExpressionValue, ExpressionError>? {
        guard !self.results.isEmpty, let identity = expression.identity else { return nil }
        return self.results[Key(expression: identity, event: event, view: view)]
    }

    /// Evaluates what gains by it.
    ///
    /// - Parameter input: makes what an expression sees of an event.
    mutating func evaluate(_ requests: [Request], _ input: (Int, View) -> ExpressionInput) {
        var rest = requests[...]
        while let evaluator = rest.first?.expression.evaluator {
            // In practice all have the same.
            let own = rest.prefix { $0.expression.evaluator === evaluator }
            rest = rest[own.endIndex...]
            // A single request is evaluated on demand.
            guard own.count > 1 else { continue }
            var inputs: [ExpressionInput] = []
            var last: (event: Int, view: View)?
            let items = own.map { request in
                if last?.event != request.event || last?.view != request.view {
                    inputs.append(input(request.event, request.view))
                    last = (request.event, request.view)
                }
                return ExpressionRequest(expression: request.expression, input: inputs.count - 1)
            }
            for (request, result) in zip(own, evaluator.evaluate(inputs, items)) {
                guard let result, let identity = request.expression.identity else { continue }
                self.results[Key(expression: identity, event: request.event, view: request.view)] = result
            }
        }
    }
}

extension EventReader {
    /// Makes a batch known, of which ``load(at:)`` then reads one event after another.
    ///
    /// Holds the events until ``endBatch()``.
    func begin(_ events: [Event], now: Timestamp) {
        self.batch = Batch(content: .events(events), now: now)
        self.lastPlace = 0
    }

    /// Announces the deliveries that ``load(_:now:)`` will read one after another, so that the first use of an
    /// expression evaluates it for all of them: once per batch and not once per event.
    ///
    /// Deliveries of different variants do not share expressions. Holds the events until ``endBatch()``.
    package func begin(_ deliveries: [Delivery]) {
        guard deliveries.count > 1 || deliveries.first?.prepared != nil else { return self.endBatch() }
        self.batch = Batch(content: .deliveries(deliveries), now: self.clock())
        self.lastPlace = 0
    }

    /// Forgets the batch and what was found for it.
    package func endBatch() {
        self.unloadLarge()
        self.batch = nil
    }

    /// Makes an event of the batch the one that is read.
    func load(at place: Int) {
        guard let batch = self.batch else { preconditionFailure("there is no batch") }
        self.read(batch.event(at: place), now: batch.now, place: place)
    }

    /// Evaluates together the expressions that ``value(of:_:)`` will need.
    ///
    /// Skips requests without an evaluator. Unloads the current event.
    func evaluateAhead(_ requests: [EvaluatedAhead.Request]) {
        let requests = requests.filter { $0.expression.evaluator != nil }
        guard requests.count > 1, var ahead = self.batch?.ahead else { return }
        ahead.evaluate(requests) { place, view in
            self.load(at: place)
            return view == .condition ? self.expressionInput : self.templateInput
        }
        self.batch?.ahead = ahead
    }

    /// The results of one expression for some events, in order, found in one go; no event is loaded afterwards.
    package func values(of expression: any Expression, for events: [Event]) -> [Result<ExpressionValue, ExpressionError>] {
        self.begin(events, now: self.clock())
        defer { self.endBatch() }
        self.evaluateAhead(
            events.indices.map { EvaluatedAhead.Request(expression: expression, event: $0, view: .condition) })
        return events.indices.map { place in
            self.load(at: place)
            return Result { try self.value(of: expression, .condition) }.mapError(ExpressionError.init(wrapping:))
        }
    }

    /// Evaluates in one go what templates need for the first events of the batch; no event is loaded afterwards.
    func evaluateAhead(_ templates: [Template], ofEvents count: Int) {
        var requests: [EvaluatedAhead.Request] = []
        for place in 0..<count {
            self.load(at: place)
            for expression in templates.flatMap({ $0.expressions(for: self) }) {
                requests.append(EvaluatedAhead.Request(expression: expression, event: place, view: .template))
            }
        }
        self.evaluateAhead(requests)
    }

    /// The texts of a template for some events, in order, its expressions evaluated in one go; no event is loaded afterwards.
    package func texts(of template: Template, for events: [Event]) -> [Result<String, ExpressionError>] {
        self.begin(events, now: self.clock())
        defer { self.endBatch() }
        self.evaluateAhead([template], ofEvents: events.count)
        return events.indices.map { place in
            self.load(at: place)
            return Result { try template.render(self) }.mapError(ExpressionError.init(wrapping:))
        }
    }

    /// The value of an expression for the loaded event.
    ///
    /// - Throws: ``ExpressionError``.
    func value(of expression: any Expression, _ view: EvaluatedAhead.View) throws -> ExpressionValue {
        if let place {
            if view == .template, let result = self.batch?.prepared(expression, at: place) { return try result.get() }
            if let result = self.batch?.ahead.result(of: expression, event: place, view) { return try result.get() }
            if self.evaluateForRest(expression, view, from: place),
                let result = self.batch?.ahead.result(of: expression, event: place, view)
            {
                return try result.get()
            }
        }
        return try expression.evaluate(view == .condition ? self.expressionInput : self.templateInput)
    }

    /// Evaluates an expression for a delivery and the later ones of its variant.
    ///
    /// - Returns: whether it did.
    private func evaluateForRest(_ expression: any Expression, _ view: EvaluatedAhead.View, from place: Int) -> Bool {
        guard expression.evaluator != nil, case .deliveries(let deliveries)? = self.batch?.content else { return false }
        self.evaluateAhead(
            deliveries.indices[place...].filter { deliveries[$0].variant == deliveries[place].variant }
                .map { EvaluatedAhead.Request(expression: expression, event: $0, view: view) })
        self.load(at: place)
        return true
    }

    /// The place of an event that is being loaded in the batch: that of the last one, the next, or any.
    func place(of event: Event) -> Int? {
        guard let batch else { return nil }
        let likely = (self.lastPlace..<min(self.lastPlace + 2, batch.count)).first { batch.event(at: $0) === event }
        return likely ?? (0..<batch.count).first { batch.event(at: $0) === event }
    }

    /// A batch of events that are read one after another.
    struct Batch {
        enum Content {
            case events([Event])
            /// Deliveries of one variant share their expressions.
            case deliveries([Delivery])
        }

        let content: Content
        let now: Timestamp
        var ahead = EvaluatedAhead()

        var count: Int {
            switch self.content {
            case .events(let events): events.count
            case .deliveries(let deliveries): deliveries.count
            }
        }

        /// The results of an expression from before the deliveries were handed out.
        func prepared(_ expression: any Expression, at place: Int) -> Result<ExpressionValue, ExpressionError>? {
            guard case .deliveries(let deliveries) = self.content, let identity = expression.identity else { return nil }
            if let result = deliveries[place].prepared?.results[identity] { return result }
            // Several routes may send one event to the sink, each with its own settings.
            let event = deliveries[place].event
            return deliveries.lazy.filter { $0.event === event }.compactMap { $0.prepared?.results[identity] }.first
        }

        func event(at place: Int) -> Event {
            switch self.content {
            case .events(let events): events[place]
            case .deliveries(let deliveries): deliveries[place].event
            }
        }
    }
}
