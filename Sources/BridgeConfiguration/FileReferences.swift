import BridgeCore

/// Finds the files that the settings of a component name.
enum FileReferences {
    /// Mappings of settings within settings; in others, such as `headers`, the user chooses the names.
    private static let groups: Set<String> = ["tls", "sentinel"]

    /// The files that the adapter declares, and every setting whose name ends in `_file`, of the component or of
    /// ``groups``.
    static func files(of component: Located, _ settings: any ComponentConfiguration) -> [ReferredFile] {
        var files = settings.files
        Self.collect(component, [], into: &files)
        return files
    }

    private static func collect(_ place: Located, _ keys: [String], into files: inout [ReferredFile]) {
        for (name, value) in place.members {
            if name.hasSuffix("_file"), let path = value.text, !path.isEmpty {
                files.append(ReferredFile(setting: (keys + [name]).joined(separator: "."), path: path, use: .read))
            } else if Self.groups.contains(name) {
                Self.collect(value, keys + [name], into: &files)
            }
        }
    }
}
