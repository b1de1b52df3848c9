/// A setting that is not valid: the mistake and the remedy, in one sentence without a final stop.
///
/// Thrown while settings are decoded or validated; the loader finds the location in the file from ``path``.
package struct SettingError: Error, CustomStringConvertible {
    /// Keys and indices from the component's mapping to the value, outermost first; empty for the mapping itself.
    package let path: [any CodingKey]
    /// The mistake and the remedy.
    package let message: String

    /// Makes an error, by default for the component's mapping itself.
    package init(path: [any CodingKey] = [], _ message: String) {
        self.path = path
        self.message = message
    }

    /// The path, when there is one, and the message.
    package var description: String {
        self.path.isEmpty ? self.message : "\(self.path.map(\.stringValue).joined(separator: ".")): \(self.message)"
    }
}
