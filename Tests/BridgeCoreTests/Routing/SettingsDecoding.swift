import BridgeCore
import FoundationEssentials

/// Decodes JSON as the loader decodes YAML.
func decode<Value: Decodable>(
    _ type: Value.Type, _ json: String, compiler: (any ExpressionCompiler)? = nil
) throws -> Value {
    let decoder = JSONDecoder()
    if let compiler { decoder.userInfo[.expressionCompiler] = compiler }
    return try decoder.decode(Value.self, from: Data(json.utf8))
}

/// The message of the setting error that decoding ends in, with its path.
func refusal<Value: Decodable>(of type: Value.Type, _ json: String, compiler: (any ExpressionCompiler)? = nil) -> String {
    do {
        _ = try decode(type, json, compiler: compiler)
        return "accepted"
    } catch let error as SettingError {
        return error.description
    } catch {
        return "\(error)"
    }
}
