import BridgeCore
import YAML

/// How the files that `include` names are found and read.
package struct IncludedFiles: Sendable {
    /// The files that a path stands for, in the order in which they are read: a file, those of a folder, or those that match a pattern.
    ///
    /// Empty when a folder or a pattern has none; throws an error with a sentence for a path that does not exist.
    package let paths: @Sendable (String) throws -> [String]
    /// The folders in which a file for a path that is a folder or a pattern can appear.
    package let folders: @Sendable (String) -> [String]
    /// The text of a file.
    package let read: @Sendable (String) throws -> String

    /// Makes a way to find and read files.
    package init(
        paths: @escaping @Sendable (String) throws -> [String], folders: @escaping @Sendable (String) -> [String] = { [$0] },
        read: @escaping @Sendable (String) throws -> String
    ) {
        self.paths = paths
        self.folders = folders
        self.read = read
    }
}

/// Joins a file with the files that its `include` names, and with those that these name.
///
/// Sources, sinks and connections of all files are joined by name, and routes follow in the order of the files. Every other key may be in one
/// of the files. A file that several paths name is read once. Anchors do not reach other files. Every value keeps its file, line and column.
final class Inclusion {
    /// The key of a file that names others.
    static let key = "include"
    /// The limit on included files.
    static let mostFiles = 1000
    /// The limit on files that include each other in a row.
    static let mostNested = 8

    /// The keys whose mappings are joined by name.
    private static let named: Set<String> = ["sources", "sinks", ConnectionMerger.key]
    /// The keys whose lists follow each other.
    private static let listed: Set<String> = ["routes", BridgeLoader.tests]

    private let files: IncludedFiles
    private let findings: Findings
    /// The members of a file's outermost mapping, references in `include` resolved; `nil` after a mistake was reported.
    private let members: (_ text: String, _ file: String) -> [Node.Mapping.Element]?
    /// The included files, in the order in which they were read.
    private(set) var paths: [String] = []
    private var pairs: [Node.Mapping.Element] = []

    init(
        files: IncludedFiles, findings: Findings,
        members: @escaping (_ text: String, _ file: String) -> [Node.Mapping.Element]?
    ) {
        self.files = files
        self.findings = findings
        self.members = members
    }

    /// The members of a file with those of the files that it includes.
    func joined(_ members: [Node.Mapping.Element], of file: String) -> [Node.Mapping.Element] {
        self.join(members, of: file, within: [file])
        return self.pairs
    }

    private func join(_ members: [Node.Mapping.Element], of file: String, within parents: [String]) {
        for (key, value) in members where key.string != Self.key { self.add(key, value) }
        guard let value = members.first(where: { $0.key.string == Self.key })?.value else { return }
        let place = Located(node: value, path: [Self.key])
        for item in place.items {
            guard let path = item.text, !path.isEmpty else {
                self.findings.error("must be the path of a file or a folder, or a list of them", at: item)
                continue
            }
            self.include(path, at: item, of: file, within: parents)
        }
    }

    private func include(_ path: String, at place: Located, of file: String, within parents: [String]) {
        let resolved = Self.path(path, besides: file)
        let found: [String]
        do {
            found = try self.files.paths(resolved)
        } catch {
            self.findings.error("\(resolved) cannot be included: \(error)", at: place)
            return
        }
        if found != [resolved] { for folder in self.files.folders(resolved) { self.findings.read(from: folder) } }
        if found.isEmpty { self.findings.warning("\(resolved) has no file that ends in .yaml or .yml", at: place) }
        for path in found {
            if parents.contains(path) {
                self.findings.error("\(path) includes itself: \((parents + [path]).joined(separator: " → "))", at: place)
                continue
            }
            guard !self.paths.contains(path) else { continue }
            guard self.paths.count < Self.mostFiles else {
                self.findings.error("more than \(Self.mostFiles) files are included", at: place)
                return
            }
            guard parents.count <= Self.mostNested else {
                self.findings.error("files include each other more than \(Self.mostNested) deep", at: place)
                return
            }
            self.paths.append(path)
            self.findings.read(from: path)
            do {
                guard let members = self.members(try self.files.read(path), path) else { continue }
                self.join(members, of: path, within: parents + [path])
            } catch {
                self.findings.error("\(path) cannot be read: \(error)", at: place)
            }
        }
    }

    private func add(_ key: Node, _ value: Node) {
        guard let name = key.string, let index = self.pairs.firstIndex(where: { $0.key.string == name }) else {
            self.pairs.append((key, value))
            return
        }
        let present = self.pairs[index].value
        switch (present, value) {
        case (.scalar(let scalar), _) where scalar.isNull:
            self.pairs[index] = (key, value)
        case (_, .scalar(let scalar)) where scalar.isNull || (name == "version" && scalar.string == present.string):
            break
        case (.mapping(let first), .mapping(let second)) where Self.named.contains(name):
            self.pairs[index].value = self.union(first, second, of: name)
        case (.sequence(let first), .sequence(let second)) where Self.listed.contains(name):
            let items = first.items + second.items
            self.pairs[index].value = .sequence(Node.Sequence(items, tag: first.tag, mark: first.mark))
        default:
            if Self.named.contains(name) {
                let wrong = value.mapping == nil ? value : present
                self.findings.error("must be a mapping of names in every file", at: Located(node: wrong, path: [name]))
            } else if Self.listed.contains(name) {
                let wrong = value.sequence == nil ? value : present
                self.findings.error("must be a list in every file", at: Located(node: wrong, path: [name]))
            } else {
                self.findings.error(
                    "'\(name)' is in \(self.place(of: self.pairs[index].key)) too; keep one", at: Located(node: key, path: []))
            }
        }
    }

    private func union(_ first: Node.Mapping, _ second: Node.Mapping, of name: String) -> Node {
        var pairs = Array(first)
        for (key, value) in second {
            if let other = first.first(where: { $0.key.string == key.string }), let member = key.string {
                self.findings.error(
                    "'\(member)' is in \(self.place(of: other.key)) too; rename one", at: Located(node: key, path: [name]))
            } else {
                pairs.append((key, value))
            }
        }
        return .mapping(Node.Mapping(pairs, tag: first.tag, mark: first.mark))
    }

    private func place(of node: Node) -> String {
        "\(node.mark?.source ?? self.findings.file), line \(node.mark?.line ?? 1)"
    }

    /// A path of an including file, seen from the working directory.
    private static func path(_ path: String, besides file: String) -> String {
        guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return String(file[...slash]) + path
    }
}
