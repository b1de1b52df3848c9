import BridgeCore

/// The definitions of structures that contain themselves or that several keys have.
enum SchemaForms {
    static var definitions: [JSONTree.Member] {
        [
            .init(name: "json", value: self.json), .init(name: "value-mapping", value: self.value),
            .init(name: "condition", value: SettingType.mapping(of: DeclaredForm.condition)),
            .init(
                name: DeclaredForm.value.rawValue,
                value: ["anyOf": [self.scalar, ["type": "object", "allOf": [.reference(to: "json")]]]]),
            .init(name: "field-mapping", value: SettingType.mapping(of: DeclaredForm.field.members)),
            .init(name: DeclaredForm.fieldPart.rawValue, value: ["anyOf": [self.scalar, .reference(to: "field-mapping")]]),
            .init(
                name: DeclaredForm.field.rawValue,
                value: [
                    "anyOf": [
                        self.scalar, .reference(to: "field-mapping"),
                        ["type": "array", "items": .reference(to: DeclaredForm.fieldPart.rawValue)],
                    ]
                ]),
            .init(name: DeclaredForm.filter.rawValue, value: self.filter),
        ]
    }

    private static var scalar: JSONTree { SettingType.template.schema() }

    private static var value: JSONTree { SettingType.mapping(of: DeclaredForm.value.members) }

    /// Any structure; some mappings in it have a meaning, and then only the keys that belong to it.
    private static var json: JSONTree {
        let path: JSONTree = ["type": "string", "pattern": "^[.]|^[$][^{]"]
        return [
            "if": ["type": "object", "properties": ["from": path], "required": ["from"]],
            "then": .reference(to: "value-mapping"),
            "else": [
                "if": [
                    "type": "object", "required": ["when"],
                    "anyOf": [["required": ["then"]], ["properties": ["when": path]]],
                ],
                "then": .reference(to: "condition"),
                "else": ["additionalProperties": .reference(to: "json"), "items": .reference(to: "json")],
            ],
        ]
    }

    /// The keys with a name of their own, and patterns for the others.
    private static var filter: JSONTree {
        let keys = DeclaredForm.filter.members
        let named = keys.filter { !$0.name.contains("<") }
        let patterns = keys.filter { $0.name.contains("<") }.map { key -> JSONTree.Member in
            let name = key.name.prefix { $0 != "." }
            return .init(name: name == "payload" ? "^payload[.\\[]." : "^\(name)[.].", value: key.schema)
        }
        return [
            "type": "object", "minProperties": 1,
            "properties": .object(named.map { .init(name: $0.name, value: $0.schema) }),
            "patternProperties": .object(patterns), "additionalProperties": false,
        ]
    }
}
