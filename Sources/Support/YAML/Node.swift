/// One value of a YAML document (YAML 1.2.2 §3.2.1).
///
/// An alias is replaced by the value of its anchor.
package enum Node: Sendable {
    /// A single value, not yet resolved to a type.
    case scalar(Scalar)
    /// A list.
    case sequence(Sequence)
    /// Keys with values.
    case mapping(Mapping)

    /// A scalar: a text with the style in which it is written (YAML 1.2.2 §3.2.3.1).
    package struct Scalar: Sendable {
        /// The style; only plain scalars resolve to other types than text.
        package enum Style: Sendable {
            case plain, singleQuoted, doubleQuoted, literal, folded
        }

        /// The text after unescaping and folding.
        package var string: String
        /// The explicit tag, such as `tag:yaml.org,2002:str` or `!secret`; `nil` when there is none.
        package let tag: String?
        /// The style in which it is written.
        package var style: Style
        /// Where it begins; `nil` for a scalar that is not from a text.
        package let mark: Mark?

        /// Makes a scalar; by default a plain one without a tag and a location.
        package init(_ string: String, tag: String? = nil, style: Style = .plain, mark: Mark? = nil) {
            self.string = string
            self.tag = tag
            self.style = style
            self.mark = mark
        }

        /// Whether the scalar is null (YAML 1.2.2 §10.3.2).
        package var isNull: Bool { self.style == .plain && Self.nulls.contains(self.string) }

        /// The plain texts that resolve to null, the empty one included.
        package static let nulls: Set<String> = ["", "~", "null", "Null", "NULL"]
    }

    /// A sequence: values in the order of the text (YAML 1.2.2 §3.2.1.1).
    package struct Sequence: Sendable {
        /// The values.
        package let items: [Node]
        /// The explicit tag; `nil` when there is none.
        package let tag: String?
        /// Where it begins; `nil` for a sequence that is not from a text.
        package let mark: Mark?

        /// Makes a sequence; by default without a tag and a location.
        package init(_ items: [Node], tag: String? = nil, mark: Mark? = nil) {
            self.items = items
            self.tag = tag
            self.mark = mark
        }
    }

    /// The text of a scalar; `nil` for other nodes.
    package var string: String? {
        if case .scalar(let scalar) = self { scalar.string } else { nil }
    }

    /// The values of a sequence; `nil` for other nodes.
    package var sequence: [Node]? {
        if case .sequence(let sequence) = self { sequence.items } else { nil }
    }

    /// The mapping; `nil` for other nodes.
    package var mapping: Mapping? {
        if case .mapping(let mapping) = self { mapping } else { nil }
    }

    /// Where the node begins; `nil` for one that is not from a text.
    package var mark: Mark? {
        switch self {
        case .scalar(let scalar): scalar.mark
        case .sequence(let sequence): sequence.mark
        case .mapping(let mapping): mapping.mark
        }
    }

    /// The explicit tag; `nil` when there is none.
    package var tag: String? {
        switch self {
        case .scalar(let scalar): scalar.tag
        case .sequence(let sequence): sequence.tag
        case .mapping(let mapping): mapping.tag
        }
    }
}
