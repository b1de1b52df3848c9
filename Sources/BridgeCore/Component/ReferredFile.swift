/// A file that a setting names, for the checks before the program starts.
package struct ReferredFile: Sendable, Hashable {
    /// The program's access to the file.
    package enum Use: Sendable {
        /// Reads it when the component connects; it must exist.
        case read
        /// Reads it as soon as it exists.
        case follow
        /// Appends to it, and creates it when it does not exist.
        case append
        /// Appends to it and renames it, so that other files are created in its directory.
        case rotate
    }

    /// The keys below the component, such as `tls.ca_file`.
    package let setting: String
    /// The path as configured.
    package let path: String
    /// The program's access to the file.
    package let use: Use

    /// Makes a reference.
    package init(setting: String, path: String, use: Use) {
        self.setting = setting
        self.path = path
        self.use = use
    }
}
