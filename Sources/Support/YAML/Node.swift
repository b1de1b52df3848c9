/// One value of a YAML document (YAML 1.2.2 §3.2.1).
///
/// An alias has been replaced by a copy of the value that its anchor names.
package enum Node: Sendable {
    case scalar(Scalar)
    case sequence(Sequence)
    case mapping(Mapping)

    /// A text with the style in which it was written.
    package struct Scalar: Sendable {
        package enum Style: Sendable {
            case plain, singleQuoted, doubleQuoted, literal, folded
        }

        package var string: String
        /// An explicit tag, such as `tag:yaml.org,2002:str` or `!secret`.
        package let tag: String?
        package var style: Style
        /// Where it begins; `nil` for a scalar that is not from a text.
        package let mark: Mark?

        package init(_ string: String, tag: String? = nil, style: Style = .plain, mark: Mark? = nil) {
            self.string = string
            self.tag = tag
            self.style = style
            self.mark = mark
        }

        /// Whether it stands for nothing (YAML 1.2.2 §10.3.2).
        package var isNull: Bool { self.style == .plain && Self.nulls.contains(self.string) }

        /// The plain texts that stand for nothing.
        package static let nulls: Set<String> = ["", "~", "null", "Null", "NULL"]
    }

    /// Values in their order.
    package struct Sequence: Sendable {
        package let items: [Node]
        package let tag: String?
        package let mark: Mark?

        package init(_ items: [Node], tag: String? = nil, mark: Mark? = nil) {
            self.items = items
            self.tag = tag
            self.mark = mark
        }
    }

    /// The text of a scalar.
    package var string: String? {
        if case .scalar(let scalar) = self { scalar.string } else { nil }
    }

    package var sequence: [Node]? {
        if case .sequence(let sequence) = self { sequence.items } else { nil }
    }

    package var mapping: Mapping? {
        if case .mapping(let mapping) = self { mapping } else { nil }
    }

    /// Where it begins; `nil` for a value that is not from a text.
    package var mark: Mark? {
        switch self {
        case .scalar(let scalar): scalar.mark
        case .sequence(let sequence): sequence.mark
        case .mapping(let mapping): mapping.mark
        }
    }

    package var tag: String? {
        switch self {
        case .scalar(let scalar): scalar.tag
        case .sequence(let sequence): sequence.tag
        case .mapping(let mapping): mapping.tag
        }
    }
}
