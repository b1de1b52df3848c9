/// A location in a text.
package struct Mark: Equatable, Sendable {
    /// The line, from 1.
    package let line: Int
    /// The column, from 1, in Unicode scalars.
    package let column: Int
    /// The name of the text, where it is another than the one that the reader was given; else `nil`.
    package let source: String?
    /// Whether the text is part of the program, and not a file of the user.
    package let isBuiltIn: Bool

    /// Makes a location from numbers that begin at 1.
    package init(line: Int, column: Int, source: String? = nil, isBuiltIn: Bool = false) {
        self.isBuiltIn = isBuiltIn
        self.line = line
        self.column = column
        self.source = source
    }
}
