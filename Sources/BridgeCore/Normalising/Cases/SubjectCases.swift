/// What the cases or blocks of a source say about single subjects, remembered: most sources have few.
///
/// Of a subject it is known which cases can match, and what they set whatever the message says. Bounded; not thread-safe.
struct SubjectCases {
    /// How many subjects are remembered before all are forgotten.
    static let capacity = 256
    /// Longer subjects are not remembered, in bytes.
    static let longestSubject = 256

    /// What is known of one subject.
    private final class Known {
        let subject: String
        /// The cases that can match, in order.
        let cases: [Int]
        /// The changes that a case makes for each message, once it had one without a failure.
        var changes: [Int: FieldChanges] = [:]

        init(subject: String, cases: [Int]) {
            self.subject = subject
            self.cases = cases
        }
    }

    private let matchers: [Matcher?]
    /// The fields of each case that depend on the subject only; `nil` for a case without any.
    private let fixed: [CaseFields?]
    private var known: [ExactText: Known] = [:]
    /// That of the last message.
    private var last: Known?

    init(_ cases: [NormaliseCase]) {
        self.matchers = cases.map(\.match)
        self.fixed = cases.map { $0.fields?.bySubject.fixed }.map { $0?.isEmpty == false ? $0 : nil }
    }

    /// Remembers which of several conditions can hold; there are no fields.
    init(_ matchers: [Matcher?]) {
        self.matchers = matchers
        self.fixed = matchers.map { _ in nil }
    }

    /// The cases that can match a message with this subject, in order.
    mutating func cases(for subject: String) -> [Int] {
        self.find(subject).cases
    }

    /// What a case sets in the event that the reader holds, whatever the message says; `nil` for nothing.
    ///
    /// - Parameter place: where the fields are below `normalise` in the file.
    mutating func fixed(
        of index: Int, _ reader: EventReader, at place: String, failures: inout [FieldFailure]
    ) -> FieldChanges? {
        guard let fields = self.fixed[index], let event = reader.event else { return nil }
        let known = self.find(event.subject)
        if let changes = known.changes[index] { return changes }
        let before = failures.count
        let changes = fields.changes(reader, at: place, failures: &failures)
        // A failure is reported for each message.
        if failures.count == before { known.changes[index] = changes }
        return changes
    }

    private mutating func find(_ subject: String) -> Known {
        if let last, ExactText(last.subject) == ExactText(subject) { return last }
        let key = ExactText(subject)
        if let known = self.known[key] {
            self.last = known
            return known
        }
        let cases = self.matchers.indices.filter { self.matchers[$0]?.takes(subject: subject) ?? true }
        let known = Known(subject: subject, cases: cases)
        self.last = known
        guard subject.utf8.count <= Self.longestSubject else { return known }
        if self.known.count >= Self.capacity { self.known.removeAll(keepingCapacity: true) }
        self.known[key] = known
        return known
    }

    /// For tests.
    var count: Int { self.known.count }
}
