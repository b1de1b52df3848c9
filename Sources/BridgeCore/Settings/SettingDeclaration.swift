/// One key of a mapping in the configuration file, as ``Setting`` declares it: all that can be known of it without a file.
package struct SettingDeclaration: Sendable, Equatable {
    /// Whether the file must have the key.
    package enum Presence: Sendable, Equatable {
        /// A mapping without it is refused.
        case required
        /// The default in the notation of the file; `nil` for none.
        case optional(default: String?)
    }

    /// The key.
    package let name: String
    /// The type of its value.
    package let type: SettingType
    /// Whether the file must have the key.
    package let presence: Presence
    /// The meaning, one sentence without a final stop.
    package let summary: String
    /// Keys of the same mapping that exclude it.
    package internal(set) var excluded: [String] = []
    /// Keys of the same mapping without which it has no effect.
    package internal(set) var needed: [String] = []
    /// Whether a route can override it in `with:`.
    package internal(set) var isPerRoute = false
    /// Whether the key may have no value, such as `null`, and then counts as missing or means something of its own.
    package internal(set) var acceptsNothing = false
    /// Whether the default is a value as the file writes it, and not a description of one.
    package internal(set) var hasLiteralDefault = false
    /// A value as the file writes it; `nil` derives one from the type, see ``example``.
    package internal(set) var ownExample: String?

    /// Makes a declaration of a key that the loader itself reads.
    ///
    /// - Parameters:
    ///   - isLiteral: whether the default, or those of the mapping that is the value, could be in the file.
    ///   - example: a value as the file writes it; `nil` derives one from the type.
    package init(
        name: String, type: SettingType, presence: Presence, summary: String, isLiteral: Bool = false, example: String? = nil
    ) {
        self.ownExample = example
        self.name = name
        self.type = type
        self.presence = presence
        self.summary = summary
        self.hasLiteralDefault = isLiteral
    }
}
