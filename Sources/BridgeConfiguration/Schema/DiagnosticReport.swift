/// Diagnostics in the notations that other programs read.
package struct DiagnosticReport: Sendable {
    private let diagnostics: [Diagnostic]

    /// - Parameter diagnostics: in the order in which they are written.
    package init(diagnostics: [Diagnostic]) {
        self.diagnostics = diagnostics
    }

    /// A list of objects with `file`, `line`, `column`, `severity`, `rule`, `path`, `message` and `hint`.
    ///
    /// `line` and `column` are 1 for the file as a whole; `path` and `hint` are left out where there is none.
    package var json: JSONTree {
        .array(
            self.diagnostics.map { diagnostic in
                var members: [(String, JSONTree)] = [
                    ("file", .text(diagnostic.file)), ("line", .integer(max(1, diagnostic.line))),
                    ("column", .integer(max(1, diagnostic.column))), ("severity", .text(diagnostic.severity.rawValue)),
                    ("rule", .text(diagnostic.rule.rawValue)),
                ]
                if !diagnostic.path.isEmpty { members.append(("path", .text(diagnostic.path))) }
                members.append(("message", .text(diagnostic.message)))
                if let hint = diagnostic.hint { members.append(("hint", .text(hint))) }
                return JSONTree.object([]).adding(members)
            })
    }

    /// One run of SARIF 2.1.0.
    ///
    /// - Parameter version: of the program.
    package func sarif(version: String) -> JSONTree {
        let rules = Diagnostic.Rule.allCases.map { rule -> JSONTree in
            ["id": .text(rule.rawValue), "shortDescription": ["text": .text(rule.summary)]]
        }
        return [
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                [
                    "tool": ["driver": ["name": "streambridge", "version": .text(version), "rules": .array(rules)]],
                    "columnKind": "unicodeCodePoints",
                    "results": .array(self.diagnostics.map(Self.result)),
                ]
            ],
        ]
    }

    private static func result(_ diagnostic: Diagnostic) -> JSONTree {
        let index = Diagnostic.Rule.allCases.firstIndex(of: diagnostic.rule) ?? 0
        let message = diagnostic.path.isEmpty ? diagnostic.message : "\(diagnostic.path): \(diagnostic.message)"
        var physical: [(String, JSONTree)] = [("artifactLocation", ["uri": .text(self.uri(of: diagnostic.file))])]
        if diagnostic.line > 0 {
            physical.append(
                ("region", ["startLine": .integer(diagnostic.line), "startColumn": .integer(max(1, diagnostic.column))]))
        }
        var location: [(String, JSONTree)] = [("physicalLocation", JSONTree.object([]).adding(physical))]
        if !diagnostic.path.isEmpty {
            location.append(("logicalLocations", [["fullyQualifiedName": .text(diagnostic.path), "kind": "member"]]))
        }
        return [
            "ruleId": .text(diagnostic.rule.rawValue), "ruleIndex": .integer(index), "level": .text(diagnostic.severity.rawValue),
            "message": ["text": .text(message)], "locations": [JSONTree.object([]).adding(location)],
        ]
    }

    /// A path as a reference relative to the root of the run, or as a file URI (RFC 3986, RFC 8089).
    private static func uri(of file: String) -> String {
        var uri = file.hasPrefix("/") ? "file://" : ""
        for byte in file.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                uri.unicodeScalars.append(Unicode.Scalar(byte))
            case _ where "-._~/".utf8.contains(byte): uri.unicodeScalars.append(Unicode.Scalar(byte))
            default: uri += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return uri
    }
}
