/// A setting that cannot be: what is wrong, then what would be right, in one sentence without a final stop.
///
/// Thrown while settings are decoded or validated; the loader finds the place in the file by ``path``.
package struct SettingError: Error, CustomStringConvertible {
    /// Keys and indexes from the component's mapping to the value, outermost first; empty for the mapping itself.
    package let path: [any CodingKey]
    package let message: String

    package init(path: [any CodingKey] = [], _ message: String) {
        self.path = path
        self.message = message
    }

    package var description: String {
        self.path.isEmpty ? self.message : "\(self.path.map(\.stringValue).joined(separator: ".")): \(self.message)"
    }
}
