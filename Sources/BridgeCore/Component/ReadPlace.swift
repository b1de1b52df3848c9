/// A constant address, or all addresses that match a pattern, that a source reads; for the check for loops before the
/// start.
package struct ReadPlace: Sendable {
    /// The kind of place, such as `topic`.
    package let kind: String
    /// The server, spelled as in ``WrittenPlace/server``; empty when the kind has none.
    package let server: String
    /// The setting in words for messages, such as `the filter a/#`.
    package let shown: String
    /// Whether the source receives origin and hops next to the body.
    package let readsMarks: Bool
    /// The names that are read.
    package let names: Names

    /// The names of places that are read.
    package enum Names: Sendable {
        /// One name.
        case one(String)
        /// The addresses that match a pattern.
        case matching(SubjectPattern)

        /// The names that a pattern matches; an empty one matches the empty name only.
        ///
        /// - Parameter pattern: right in its syntax.
        package init(_ pattern: String, syntax: SubjectPattern.Syntax) {
            self = (try? SubjectPattern(pattern, syntax: syntax)).map { .matching($0) } ?? .one(pattern)
        }

        /// Whether a place of that name is read, compared by bytes.
        package func contains(_ name: String) -> Bool {
            switch self {
            case .one(let own): ExactText(own) == ExactText(name)
            case .matching(let pattern): pattern.matches(name)
            }
        }
    }

    /// Makes a place.
    package init(kind: String, server: String = "", shown: String, readsMarks: Bool = false, names: Names) {
        self.kind = kind
        self.server = server
        self.shown = shown
        self.readsMarks = readsMarks
        self.names = names
    }
}
