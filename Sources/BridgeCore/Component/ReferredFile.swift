/// A file that a setting names, for the check before the program starts.
package struct ReferredFile: Sendable, Hashable {
    /// What the program does with it.
    package enum Use: Sendable {
        /// It is read when the component connects, so it must be there.
        case read
        /// It is read as soon as it is there.
        case follow
        /// It is appended to, and made where it is missing.
        case append
        /// The same, and other files are made beside it.
        case rotate
    }

    /// The keys below the component, such as `tls.ca_file`.
    package let setting: String
    package let path: String
    package let use: Use

    package init(setting: String, path: String, use: Use) {
        self.setting = setting
        self.path = path
        self.use = use
    }
}
