/// A part of `normalise` that did not apply to a message; the message is read as if it were not there.
struct FieldFailure: Sendable, Equatable {
    /// Its place below `normalise` in the file, such as `title` or `cases[1].set.priority`.
    let field: String
    let reason: String
}
