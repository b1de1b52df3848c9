import BridgeConfiguration
import BridgeTesting
import FoundationEssentials
import StreamBridge

/// Validates YAML against the schema with Python's `jsonschema`, which knows nothing of this program.
///
/// It reads plain scalars as YAML 1.2 does, like editors: `on` is a text, and a date is one too.
struct SchemaValidator {
    /// A text to validate.
    struct Document: Codable, Sendable {
        /// Its name in messages.
        let name: String
        /// YAML.
        let text: String
        /// Whether the text shows a part of a file, so that the rest may be missing.
        var isPart = false
    }

    /// The texts with what is wrong with each; an empty list for one that is valid.
    ///
    /// Blocks until Python has ended.
    ///
    /// - Parameter checksSchema: whether the schema itself must be one (draft 7), which takes as long as 200 documents.
    static func mistakes(in documents: [Document], checksSchema: Bool = false) throws -> [[String]] {
        let directory = try TemporaryDirectory()
        let schema = try directory.write(FileSchema(catalog: .shipped).root.text, to: "schema.json")
        let input = try directory.write(
            String(decoding: try JSONEncoder().encode(documents), as: UTF8.self), to: "documents.json")
        let process = try ChildProcess(
            PythonEnvironment.interpreter(), ["-c", self.program, schema] + (checksSchema ? ["check"] : []), input: input)
        guard process.waitUntilEnded() == .exited(0) else { throw PeerError("the validator: \(process.standardError)") }
        return try JSONDecoder().decode([[String]].self, from: Data(process.standardOutputBytes))
    }

    private static let program = """
        import json, re, sys, yaml, jsonschema

        class Loader(yaml.CSafeLoader):
            pass

        Loader.yaml_implicit_resolvers = {}
        for tag, pattern, first in [
            ("bool", "^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
            ("int", "^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", "-+0123456789"),
            ("float", "^[-+]?(?:[.][0-9]+|[0-9]+(?:[.][0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
            ("null", "^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
            ("merge", "^(?:<<)$", "<"),
        ]:
            Loader.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(pattern), list(first))

        def integer(loader, node):
            return int(node.value, 0) if re.match("0[ox]", node.value) else int(node.value)

        Loader.add_constructor("tag:yaml.org,2002:int", integer)

        def named(value):
            if isinstance(value, dict):
                return {str(key): named(member) for key, member in value.items()}
            return [named(item) for item in value] if isinstance(value, list) else value

        schema = json.load(open(sys.argv[1]))
        if sys.argv[2:] == ["check"]:
            jsonschema.Draft7Validator.check_schema(schema)
        part = {key: value for key, value in schema.items() if key not in ("if", "then")}
        whole, part = jsonschema.Draft7Validator(schema), jsonschema.Draft7Validator(part)

        def mistakes(document):
            value = named(yaml.load(document["text"], Loader))
            validator = part if document["isPart"] else whole
            found = []
            for error in validator.iter_errors(value):
                best = jsonschema.exceptions.best_match([error])
                found.append("/".join(map(str, best.absolute_path)) + ": " + best.message[:300])
            return found

        json.dump([mistakes(document) for document in json.load(sys.stdin)], sys.stdout)
        """
}
