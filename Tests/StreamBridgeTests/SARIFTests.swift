import BridgeTesting
import FoundationEssentials
import Testing

/// `check --format sarif` against the rules of SARIF 2.1.0 for the objects that it writes.
///
/// Python's `jsonschema` validates; the rules are those of the OASIS schema `sarif-schema-2.1.0.json` for these members, and objects have no
/// others.
@Suite(.timeLimit(.minutes(1)))
struct SARIFTests {
    private static let schema = #"""
        {
          "$schema": "http://json-schema.org/draft-07/schema#",
          "definitions": {
            "text": {
              "type": "object", "additionalProperties": false, "required": ["text"], "properties": { "text": { "type": "string" } }
            },
            "location": {
              "type": "object", "additionalProperties": false,
              "properties": {
                "physicalLocation": {
                  "type": "object", "additionalProperties": false, "required": ["artifactLocation"],
                  "properties": {
                    "artifactLocation": {
                      "type": "object", "additionalProperties": false,
                      "properties": { "uri": { "type": "string", "pattern": "^(file:///)?[A-Za-z0-9._~%/-]+$" } }
                    },
                    "region": {
                      "type": "object", "additionalProperties": false,
                      "properties": {
                        "startLine": { "type": "integer", "minimum": 1 }, "startColumn": { "type": "integer", "minimum": 1 }
                      }
                    }
                  }
                },
                "logicalLocations": {
                  "type": "array", "uniqueItems": true,
                  "items": {
                    "type": "object", "additionalProperties": false,
                    "properties": { "fullyQualifiedName": { "type": "string" }, "kind": { "type": "string" } }
                  }
                }
              }
            },
            "result": {
              "type": "object", "additionalProperties": false, "required": ["message"],
              "properties": {
                "ruleId": { "type": "string" }, "ruleIndex": { "type": "integer", "minimum": -1 },
                "level": { "enum": ["none", "note", "warning", "error"] }, "message": { "$ref": "#/definitions/text" },
                "locations": { "type": "array", "items": { "$ref": "#/definitions/location" } }
              }
            },
            "run": {
              "type": "object", "additionalProperties": false, "required": ["tool", "results"],
              "properties": {
                "columnKind": { "enum": ["utf16CodeUnits", "unicodeCodePoints"] },
                "results": { "type": "array", "items": { "$ref": "#/definitions/result" } },
                "tool": {
                  "type": "object", "additionalProperties": false, "required": ["driver"],
                  "properties": {
                    "driver": {
                      "type": "object", "additionalProperties": false, "required": ["name"],
                      "properties": {
                        "name": { "type": "string" }, "version": { "type": "string" },
                        "rules": {
                          "type": "array", "uniqueItems": true,
                          "items": {
                            "type": "object", "additionalProperties": false, "required": ["id"],
                            "properties": { "id": { "type": "string" }, "shortDescription": { "$ref": "#/definitions/text" } }
                          }
                        }
                      }
                    }
                  }
                }
              }
            }
          },
          "type": "object", "additionalProperties": false, "required": ["version", "runs"],
          "properties": {
            "$schema": { "type": "string", "format": "uri" }, "version": { "enum": ["2.1.0"] },
            "runs": { "type": "array", "minItems": 1, "items": { "$ref": "#/definitions/run" } }
          }
        }
        """#

    private static let program = """
        import json, sys, jsonschema
        schema = json.load(open(sys.argv[1]))
        jsonschema.Draft7Validator.check_schema(schema)
        for path in sys.argv[2:]:
            for error in jsonschema.Draft7Validator(schema).iter_errors(json.load(open(path))):
                print("/".join(map(str, error.absolute_path)) + ": " + error.message[:300])
        """

    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    /// What the validator says about texts.
    private func mistakes(in texts: [String]) async throws -> String {
        let schema = try self.directory.write(Self.schema, to: "schema.json")
        let paths = try texts.enumerated().map { try self.directory.write($0.element, to: "\($0.offset).json") }
        let process = try ChildProcess(PythonEnvironment.interpreter(), ["-c", Self.program, schema] + paths)
        #expect(try await process.untilEnded() == .exited(0), "\(process.standardError)")
        return process.standardOutput
    }

    @Test func `a report is valid SARIF, whatever is found`() async throws {
        try self.directory.write("sinks: { more: { type: fill } }\n", to: "part.yaml")
        let files = [
            // Nothing, warnings, many mistakes, a mistake in another file, one in a preset, text that is no YAML, and no file at all.
            "sources: { in: { type: webhook, id: a } }\nsinks: { out: { type: file, path: '-' } }\nroutes: [{ to: out }]\n",
            "sources: { in: { type: webhook, id: a } }\nsinks: { a: { type: file, path: '-' }, b: { type: sse, stream: b } }\nroutes: [{ to: a }]\n",
            "sources: { in: { type: webhok, idd: a } }\nsinks: { out: { type: file } }\nroutes: [{ to: uot }]\nhttp: { listen: [] }\n",
            "include: part.yaml\nsources: { in: { type: webhook, id: a } }\nroutes: [{ to: more }]\n", "sources: [\n",
            "sources: { in: { preset: [zigbee2mqtt, tasmota], url: 'mqtt://h', port: 1 } }\n", nil,
        ]
        var reports: [String] = []
        for (index, text) in files.enumerated() {
            let path = self.directory.file("a file \(index).yaml")
            if let text { try self.directory.write(text, to: "a file \(index).yaml") }
            reports.append(try await BridgeProcess.command("check", path, "--format", "sarif").output)
        }
        let found = try await self.mistakes(in: reports)
        #expect(found.isEmpty, "\(found)")
        #expect(reports[3].contains("/part.yaml") && !reports[0].contains("ruleIndex"), "\(reports[0])")
    }

    @Test func `the rules refuse what is no SARIF`() async throws {
        let valid = #"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[]}]}"#
        #expect(try await self.mistakes(in: [valid]).isEmpty)
        for (old, new) in [
            ("2.1.0", "2.0.0"), ("\"name\"", "\"nam\""), ("[]", "[{}]"),
            ("[]", "[{\"message\":{\"text\":\"t\"},\"level\":\"bad\"}]"),
        ] {
            #expect(try await !self.mistakes(in: [valid.replacing(old, with: new)]).isEmpty, "\(new)")
        }
    }
}
