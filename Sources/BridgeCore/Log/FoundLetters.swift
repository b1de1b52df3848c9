/// Dead letters that were found in a log on disk, in order of their ids.
package struct FoundLetters: Sendable {
    package var letters: [StoredLetter] = []
    /// They stay until an operator drops them.
    package var unreadable: [UnreadableLetter] = []

    package init() {}
}
