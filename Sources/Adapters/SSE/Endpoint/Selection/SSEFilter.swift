import BridgeCore

/// The events of a stream that a subscriber selects: `priority`, `tags`, `subject`, `source` and `when` of the query.
///
/// Subscribers with one filter share its evaluation: once per event, not once per subscriber. Filters are equal if
/// their values are the same bytes, in any order.
struct SSEFilter: Hashable, Sendable {
    /// The longest `when`, in bytes.
    ///
    /// Up to this length compiling takes at most twice as long as for the shortest expression, about 20 ms. Above it
    /// the time grows with the square of the length, to seconds for the 64 kB of a body.
    static let longestCondition = 1024
    /// The largest number of values in one request: priorities, tags, sources and subjects together.
    static let mostValues = 64
    /// The largest size of these values in bytes.
    static let longestValues = 8192

    private let identity: Identity
    private let matcher: Matcher?
    private let expression: (any Expression)?

    static let everything = SSEFilter(identity: Identity(), matcher: nil, expression: nil)

    private init(identity: Identity, matcher: Matcher?, expression: (any Expression)?) {
        self.identity = identity
        self.matcher = matcher
        self.expression = expression
    }

    /// Compiles the `when` of a request; blocks, so never call it on an event loop.
    ///
    /// - Parameter compiler: `nil` where the stream does not allow it.
    /// - Throws: ``SSERequestError`` for the client.
    static func condition(
        _ parameters: SSEParameters, compiler: (any ExpressionCompiler)?
    ) throws(SSERequestError) -> (any Expression)? {
        guard let text = Self.conditionText(parameters) else { return nil }
        guard let compiler else { throw SSERequestError("this stream does not support 'when'; its 'expressions' setting is off") }
        guard text.utf8.count <= Self.longestCondition else {
            throw SSERequestError("when is \(text.utf8.count) bytes long; \(Self.longestCondition) are allowed")
        }
        do {
            return try compiler.compile(text)
        } catch {
            throw SSERequestError("when: \((error as? ExpressionError)?.messageForClient ?? "\(error)")")
        }
    }

    /// Whether making the filter takes about 20 ms, too long for an event loop.
    static func mustBeCompiled(_ parameters: SSEParameters) -> Bool { Self.conditionText(parameters) != nil }

    /// `nil` when the request has none.
    private static func conditionText(_ parameters: SSEParameters) -> String? {
        parameters.value("when").flatMap { $0.isEmpty ? nil : $0 }
    }

    /// - Parameter condition: the result of ``condition(_:compiler:)`` for the same parameters.
    /// - Throws: ``SSERequestError`` for the client.
    init(_ parameters: SSEParameters, condition: (any Expression)?) throws(SSERequestError) {
        let lists = (
            priorities: parameters.list("priority"), tags: parameters.list("tags"), sources: parameters.list("source"),
            subjects: parameters.list("subject")
        )
        try Self.checkSize(lists.priorities + lists.tags + lists.sources + lists.subjects)
        let priorities = try lists.priorities.map { text throws(SSERequestError) in
            guard let priority = PriorityText.constant(text) else {
                throw SSERequestError("'\(text)' is not a priority; write \(PriorityText.allowed), with commas between them")
            }
            return priority
        }
        let (tags, sources) = (lists.tags, lists.sources)
        let subjects = try lists.subjects.map { text throws(SSERequestError) in
            do throws(SettingError) {
                return try SubjectPattern(text)
            } catch {
                throw SSERequestError("subject '\(text)': \(error.message)")
            }
        }
        self.matcher =
            priorities.isEmpty && tags.isEmpty && sources.isEmpty && subjects.isEmpty
            ? nil
            : Matcher(
                sources: sources.isEmpty ? nil : Set(sources), subjects: subjects.isEmpty ? nil : subjects,
                priorities: priorities,
                tags: tags
            )
        self.expression = condition
        self.identity = Identity(
            priorities: Set(priorities), tags: Self.bytes(tags), sources: Self.bytes(sources),
            subjects: Self.bytes(subjects.map(\.text)), condition: Self.conditionText(parameters).map { Array($0.utf8) }
        )
    }

    private static func checkSize(_ values: [String]) throws(SSERequestError) {
        guard values.count <= Self.mostValues else {
            throw SSERequestError("\(values.count) filter values are too many for one request; \(Self.mostValues) are allowed")
        }
        let size = values.reduce(0) { $0 + $1.utf8.count }
        guard size <= Self.longestValues else {
            throw SSERequestError("the filter values are \(size) bytes long; \(Self.longestValues) are allowed in one request")
        }
    }

    /// Whether an expression must be evaluated elsewhere, never on an event loop; see ``SSEDecisions``.
    var isEvaluated: Bool { self.expression?.evaluator != nil }

    var takesEverything: Bool { self.matcher == nil && self.expression == nil }

    /// The indices of the events that pass; gaps always do, and events whose evaluation fails never do.
    ///
    /// The expression is evaluated for all events together. Blocks if ``isEvaluated``.
    ///
    /// - Parameter failed: receives the event and the error of each evaluation that failed.
    func passing(_ events: [Event], _ reader: EventReader, failed: (Event, ExpressionError) -> Void) -> [Int] {
        let places = events.indices.filter { place in
            guard events[place].kind != .gap, let matcher else { return true }
            reader.load(events[place])
            return matcher.matches(reader)
        }
        guard let expression else { return places }
        let asked = places.filter { events[$0].kind != .gap }
        var passes = Set(places).subtracting(asked)
        for (place, result) in zip(asked, reader.values(of: expression, for: asked.map { events[$0] })) {
            switch result {
            case .success(let value): if value.isTrue { passes.insert(place) }
            case .failure(let error): failed(events[place], error)
            }
        }
        return places.filter(passes.contains)
    }

    static func == (lhs: Self, rhs: Self) -> Bool { lhs.identity == rhs.identity }

    func hash(into hasher: inout Hasher) { hasher.combine(self.identity) }

    private static func bytes(_ texts: [String]) -> Set<[UInt8]> { Set(texts.map { Array($0.utf8) }) }

    /// The values of the filter, which distinguish it from others.
    ///
    /// Texts are bytes: `String` compares by canonical equivalence, and no separator is safe in a joined text.
    private struct Identity: Hashable {
        var priorities: Set<Int> = []
        var tags: Set<[UInt8]> = []
        var sources: Set<[UInt8]> = []
        var subjects: Set<[UInt8]> = []
        var condition: [UInt8]?
    }
}

/// The mistake in a request for a stream, for its answer.
struct SSERequestError: Error, CustomStringConvertible {
    let message: String

    init(_ message: String) { self.message = message }

    var description: String { self.message }
}
