import BridgeCore
import YAML

/// Collects all mistakes while a file is read, so that they can be reported together.
final class Findings {
    let file: String
    private(set) var errors: [Diagnostic] = []
    private(set) var warnings: [Diagnostic] = []
    /// The contents of ``errors``, so that none is reported twice.
    private var reported: Set<Diagnostic> = []
    private var concealed = ConcealedTexts()
    /// The values of `${env:…}` and `${file:…}` in the file.
    private(set) var references: [Secret] = []
    /// The paths of all `${file:…}` in the file.
    private(set) var includedFiles: Set<String> = []

    /// Where the settings are that name files and directories, by their keys with dots between them.
    private(set) var places: [String: Mark] = [:]

    init(file: String) {
        self.file = file
    }

    /// Keeps text from the environment or a file out of every message.
    func conceal(_ value: String, writtenAs written: String) {
        self.concealed.add(value, writtenAs: written)
    }

    /// Keeps the place of a setting that names a file, for ``BridgePlan/diagnostic(_:about:_:)``.
    ///
    /// - Parameter setting: keys below the mapping, with dots between them.
    func locate(_ setting: String, in place: Located) {
        let keys = setting.split(separator: ".").map { SettingKey(String($0)) }
        self.places[(place.path + [setting]).joined(separator: ".")] = place.descend(keys).node.mark
    }

    /// Keeps the value of a reference for ``BridgePlan/references``.
    func refer(to value: String) {
        self.references.append(Secret(value))
    }

    /// Keeps the path of a reference for ``BridgePlan/includedFiles``.
    func read(from path: String) {
        self.includedFiles.insert(path)
    }

    func error(_ message: String, at place: Located, rule: Diagnostic.Rule = .setting) {
        let diagnostic = self.diagnostic(.error, rule, message, at: place)
        if self.reported.insert(diagnostic).inserted { self.errors.append(diagnostic) }
    }

    func warning(_ message: String, at place: Located, rule: Diagnostic.Rule = .setting) {
        self.warnings.append(self.diagnostic(.warning, rule, message, at: place))
    }

    /// A mistake of the YAML itself.
    ///
    /// - Parameter file: the included file that it is in; `nil` for the file itself.
    func error(_ message: String, line: Int, column: Int, of file: String? = nil) {
        self.errors.append(
            Diagnostic(severity: .error, rule: .syntax, file: file ?? self.file, line: line, column: column, message: message)
        )
    }

    /// In the order of lines; those of the file itself come before those of others.
    func sorted(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        func order(_ diagnostic: Diagnostic) -> (String, Int, Int, String) {
            (diagnostic.file == self.file ? "" : diagnostic.file, diagnostic.line, diagnostic.column, diagnostic.message)
        }
        return diagnostics.sorted { order($0) < order($1) }
    }

    private func diagnostic(
        _ severity: Diagnostic.Severity, _ rule: Diagnostic.Rule, _ message: String, at place: Located
    ) -> Diagnostic {
        Diagnostic(
            severity: severity, rule: rule, file: place.node.mark?.source ?? self.file, line: place.node.mark?.line ?? 1,
            column: place.node.mark?.column ?? 1,
            path: place.path.joined(separator: ".").replacing(".[", with: "["), message: self.concealed.redacted(message)
        )
    }

    /// Refuses members that none of the lists declares.
    func refuseUnknownKeys(of place: Located, known: [SettingDeclaration]...) {
        for (key, _) in place.node.mapping.map(Array.init) ?? [] {
            guard let name = key.string, !known.contains(where: { list in list.contains { $0.name == name } }) else { continue }
            self.error(
                SettingError.unknownKey(name, known: Array(known.joined())), at: Located(node: key, path: place.path),
                rule: .unknownKey)
        }
    }
}
