import BridgeCore
import Yams

/// Finds the files that the settings of a component name.
enum FileReferences {
    /// What the adapter says, and every setting whose name ends in `_file`, wherever it stands: such files are read.
    static func files(of component: Located, _ settings: DecodedSettings) -> [ReferredFile] {
        var files = settings.files
        Self.collect(component.node, [], into: &files)
        return files
    }

    private static func collect(_ node: Node, _ keys: [String], into files: inout [ReferredFile]) {
        if let mapping = node.mapping {
            for (key, value) in mapping {
                guard let name = key.string else { continue }
                if name.hasSuffix("_file"), case .scalar(let scalar) = value, !scalar.string.isEmpty {
                    files.append(ReferredFile(setting: (keys + [name]).joined(separator: "."), path: scalar.string, use: .read))
                } else {
                    Self.collect(value, keys + [name], into: &files)
                }
            }
        } else if let sequence = node.sequence {
            for (index, item) in sequence.enumerated() {
                Self.collect(item, keys.dropLast() + ["\(keys.last ?? "")[\(index)]"], into: &files)
            }
        }
    }
}
