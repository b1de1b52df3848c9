extension String {
    /// Whether there is nothing to read: only white space, control characters and characters without width.
    ///
    /// Chat services and phones refuse such a text as an empty one.
    var isBlank: Bool {
        guard let first = self.utf8.first else { return true }
        if first > 0x20, first < 0x7F { return false }
        return self.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .spaceSeparator, .lineSeparator, .paragraphSeparator: true
            default: scalar.value == 0x200B || scalar.value == 0xFEFF
            }
        }
    }
}
