import YAML

extension BridgeLoader {
    /// The version of the library that parses files, such as `0.2.5`.
    package static var libraryVersion: String { YAMLLibrary.version }
}
