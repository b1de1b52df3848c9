/// An error of ``Composer``: the text is not one YAML document.
package struct YAMLError: Error, Equatable {
    /// The kind of error, with its details.
    package enum Reason: Equatable, Sendable {
        /// A violation of the grammar, in libyaml's words.
        ///
        /// The context is the construct that libyaml was parsing, and where it began.
        case syntax(problem: String, context: String?, contextMark: Mark?)
        /// A code point that YAML forbids (YAML 1.2.2 §5.1), or an octet that is not part of valid UTF-8.
        case character(UInt32)
        /// A mapping with two equal keys (YAML 1.2.2 §3.2.1.3); the mark is that of the second.
        case duplicateKey(String)
        /// An alias without an earlier anchor (YAML 1.2.2 §7.1).
        case undefinedAlias
        /// A second document in the text; the mark is its start.
        case secondDocument
        /// Values nested deeper than ``Composer/maximumDepth``.
        case tooDeep
    }

    /// The kind of error.
    package let reason: Reason
    /// Where the error is.
    package let mark: Mark

    /// Makes an error.
    package init(reason: Reason, mark: Mark) {
        self.reason = reason
        self.mark = mark
    }
}
