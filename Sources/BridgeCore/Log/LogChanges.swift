/// What a log on disk has to write at once, in the order in which it counts: events, what sinks have settled, then the sources' cursors.
package struct LogChanges: Sendable {
    /// In order of position.
    package var events: [StoredEvent] = []
    package var sinks: [SinkMark] = []
    package var letters: [LetterChange] = []
    package var numbers: [NumberedRun] = []
    package var numberedLetters: [NumberedLetter] = []
    package var keys: [DeliveredKey] = []
    /// By the name of the source.
    package var cursors: [String: String] = [:]

    package init() {}

    package var isEmpty: Bool {
        self.events.isEmpty && self.sinks.isEmpty && self.letters.isEmpty && self.numbers.isEmpty
            && self.numberedLetters.isEmpty && self.keys.isEmpty && self.cursors.isEmpty
    }
}
