/// Why a text is not one YAML document.
package struct YAMLError: Error, Equatable {
    package enum Reason: Equatable, Sendable {
        /// A violation of the grammar, in libyaml's words.
        ///
        /// The context is the construct that libyaml was reading, and where it began.
        case syntax(problem: String, context: String?, contextMark: Mark?)
        /// A character that YAML does not allow, or bytes that are not UTF-8.
        case character(UInt32)
        /// A mapping that has the same key twice; the mark is that of the second.
        case duplicateKey(String)
        /// An alias without an anchor above it.
        case undefinedAlias
        /// More than one document in the text.
        case secondDocument
        /// Values nested deeper than ``Composer/maximumDepth``.
        case tooDeep
    }

    package let reason: Reason
    package let mark: Mark

    package init(reason: Reason, mark: Mark) {
        self.reason = reason
        self.mark = mark
    }
}
