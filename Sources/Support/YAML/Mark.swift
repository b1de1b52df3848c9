/// A location in a text.
package struct Mark: Equatable, Sendable {
    /// The line, from 1.
    package let line: Int
    /// The column, from 1, in Unicode scalars.
    package let column: Int

    /// Makes a location from numbers that begin at 1.
    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}
