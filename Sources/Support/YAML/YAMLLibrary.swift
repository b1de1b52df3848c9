import CYAML

/// The library that parses YAML, for reports.
package enum YAMLLibrary {
    /// The version of libyaml, such as `0.2.5`.
    package static var version: String { String(cString: yaml_get_version_string()) }
}
