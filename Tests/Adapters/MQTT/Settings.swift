import BridgeCore
import FoundationEssentials

/// Reads settings as the loader would.
///
/// JSON is YAML enough for the tests of one adapter.
func settings<Configuration: Decodable>(_ type: Configuration.Type, _ json: String) throws -> Configuration {
    try JSONDecoder().decode(type, from: Data(json.utf8))
}

/// Reads a mapping of settings as the loader would.
func group<Group: SettingGroup>(_ type: Group.Type, _ json: String) throws -> Group {
    try JSONDecoder().decode(GroupHolder<Group>.self, from: Data(json.utf8)).group
}

private struct GroupHolder<Group: SettingGroup>: Decodable {
    let group: Group

    init(from decoder: any Decoder) throws {
        self.group = try Group(settings: decoder)
    }
}

/// Reads and validates settings and returns the complaint.
func complaint<Configuration: ComponentConfiguration>(_ type: Configuration.Type, _ json: String) -> String? {
    do {
        try settings(type, json).validate()
        return nil
    } catch {
        return "\(error)"
    }
}
