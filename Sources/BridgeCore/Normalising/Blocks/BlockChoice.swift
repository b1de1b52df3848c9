import JSON

/// Chooses the block of `normalise` that reads a message, where there are several.
///
/// Of a subject it is remembered which blocks can match, so that most messages need one look-up. Bounded; not thread-safe: it reads events
/// with one reader.
final class BlockChoice {
    private let matchers: [Matcher?]
    private var subjects: SubjectCases
    private let reader = EventReader()

    /// `nil` where one block reads every message.
    init?(_ blocks: NormaliseBlocks) {
        guard !blocks.isSingle else { return nil }
        self.matchers = blocks.list.map(\.match)
        self.subjects = SubjectCases(self.matchers)
    }

    /// The place of what reads the messages that no block matches: after the blocks.
    var automatic: Int { self.matchers.count }

    /// The block for all messages with this subject; `nil` when that depends on the message.
    func block(for subject: String) -> Int? {
        guard let first = self.subjects.cases(for: subject).first else { return self.automatic }
        return self.matchers[first]?.residual == nil ? first : nil
    }

    /// The block for a message that is read automatically.
    ///
    /// - Parameter root: its payload as another parser has it.
    func block(for event: Event, now: Timestamp, root: JSONElement?) -> Int {
        self.reader.load(event, now: now, root: root)
        return self.subjects.cases(for: event.subject).first { self.matchers[$0]?.residual?.holds(self.reader) ?? true }
            ?? self.automatic
    }

    /// Why each block does not read a message, up to the one that does.
    func failures(for event: Event, now: Timestamp) -> [FailedCondition?] {
        self.reader.load(event, now: now)
        var failures: [FailedCondition?] = []
        for matcher in self.matchers {
            failures.append(matcher?.failure(self.reader))
            if failures.last == .some(nil) { break }
        }
        return failures
    }

    /// For tests.
    var rememberedSubjects: Int { self.subjects.count }
}
