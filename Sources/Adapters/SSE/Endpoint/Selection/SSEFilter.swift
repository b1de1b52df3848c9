import BridgeCore

/// Which events of a stream a subscriber wants: `priority`, `tags`, `subject`, `source` and `when` of the query.
///
/// The subscribers of one filter share its evaluation: once per event, not once per subscriber. Equal when the texts are.
struct SSEFilter: Hashable, Sendable {
    /// How long `when` may be, in bytes.
    ///
    /// It is compiled on the event loop. Up to here that takes at most twice as long as the shortest one, some 20 ms; from there on the
    /// time grows with the square of the length, to seconds for the 64 kB that a body can bring.
    static let longestCondition = 1024

    private let text: String
    private let matcher: Matcher?
    private let expression: (any Expression)?

    static let everything = SSEFilter(text: "", matcher: nil, expression: nil)

    private init(text: String, matcher: Matcher?, expression: (any Expression)?) {
        self.text = text
        self.matcher = matcher
        self.expression = expression
    }

    /// - Parameter compiler: compiles `when`; `nil` where the stream does not allow it.
    /// - Throws: ``SSEComplaint`` with what a person reads.
    init(_ parameters: SSEParameters, compiler: (any ExpressionCompiler)?) throws(SSEComplaint) {
        let priorities = try parameters.list("priority").map { text throws(SSEComplaint) in
            guard let priority = Int(text), (1...5).contains(priority) else {
                throw SSEComplaint("'\(text)' is no priority; 1 to 5 are, with commas between them")
            }
            return priority
        }
        let tags = parameters.list("tags")
        let sources = parameters.list("source")
        let subjects = try parameters.list("subject").map { text throws(SSEComplaint) in
            do throws(SettingError) {
                return try SubjectPattern(text)
            } catch {
                throw SSEComplaint("subject '\(text)': \(error.message)")
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
        let condition = parameters.value("when").flatMap { $0.isEmpty ? nil : $0 }
        if let condition {
            guard let compiler else { throw SSEComplaint("this stream takes no 'when'; its 'expressions' setting is off") }
            guard condition.utf8.count <= Self.longestCondition else {
                throw SSEComplaint("when is \(condition.utf8.count) bytes long; \(Self.longestCondition) are allowed")
            }
            do {
                self.expression = try compiler.compile(condition)
            } catch {
                throw SSEComplaint("when: \(error)")
            }
        } else {
            self.expression = nil
        }
        self.text = [
            priorities.sorted().map(String.init), tags.sorted(), sources.sorted(), subjects.map { $0.text }.sorted(),
            condition.map { [$0] } ?? [],
        ].map { $0.joined(separator: "\u{1}") }.joined(separator: "\u{2}")
    }

    var takesEverything: Bool { self.matcher == nil && self.expression == nil }

    /// Whether the event passes; gaps always do, and an expression that fails lets nothing through.
    func takes(_ event: Event, _ reader: EventReader) -> Bool {
        guard event.kind != .gap, !self.takesEverything else { return true }
        reader.load(event)
        if let matcher, !matcher.matches(reader) { return false }
        guard let expression else { return true }
        return (try? expression.evaluate(reader.expressionInput).isTrue) ?? false
    }

    static func == (lhs: Self, rhs: Self) -> Bool { lhs.text == rhs.text }

    func hash(into hasher: inout Hasher) { hasher.combine(self.text) }
}

/// What is wrong with a request for a stream, for its answer.
struct SSEComplaint: Error {
    let message: String

    init(_ message: String) { self.message = message }
}
