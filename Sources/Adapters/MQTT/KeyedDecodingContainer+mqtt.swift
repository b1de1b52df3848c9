import BridgeCore

extension Decoder {
    /// The mapping of a nested setting, refused when it has other keys than these.
    func container<Key: CodingKey & CaseIterable>(refusingOthersThan keys: Key.Type) throws -> KeyedDecodingContainer<Key> {
        let known = Key.allCases.map(\.stringValue)
        for key in try self.container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
            throw SettingError(
                path: self.codingPath + [key], "there is no key \(key.stringValue); there are \(known.joined(separator: ", "))"
            )
        }
        return try self.container(keyedBy: keys)
    }
}

extension KeyedDecodingContainer {
    /// A quality of service, 0 or 1.
    func qos(_ key: Key, default fallback: Int) throws -> Int {
        let qos = try self.value(key, default: fallback)
        switch qos {
        case 0, 1: return qos
        case 2:
            throw SettingError(
                path: self.codingPath + [key],
                "qos 2 is not offered, because its acknowledgement cannot wait until an event is safe; write 1, which loses nothing and"
                    + " may deliver twice"
            )
        default: throw SettingError(path: self.codingPath + [key], "\(qos) is not a quality of service; write 0 or 1")
        }
    }

    /// A span of time in whole seconds, which is how MQTT counts.
    ///
    /// Neither cut nor rounded: half a second would become none, and none may mean something else altogether.
    func seconds(_ key: Key) throws -> Duration? {
        guard let duration = try self.duration(key) else { return nil }
        guard duration.components.attoseconds == 0 else {
            throw SettingError(
                path: self.codingPath + [key],
                "MQTT counts in whole seconds; write \(duration.components.seconds + 1)s"
            )
        }
        return duration
    }
}

private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) {
        self.stringValue = stringValue
    }

    init?(intValue: Int) {
        nil
    }
}
