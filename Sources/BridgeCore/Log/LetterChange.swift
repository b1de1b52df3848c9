/// What becomes of a dead letter.
package enum LetterChange: Sendable {
    /// It is written, over an older one of the same id.
    case keep(StoredLetter)
    /// No sink is owed it any more, it is only kept.
    case hold(Int64)
    /// It was delivered and is removed.
    case forget(Int64)
}
