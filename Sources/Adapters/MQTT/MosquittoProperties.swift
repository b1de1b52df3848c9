import CMosquitto

/// A list of MQTT 5 properties that is freed with its owner.
struct MosquittoProperties: ~Copyable {
    private(set) var list: OpaquePointer?

    init() {}

    deinit {
        var list = self.list
        mosquitto_property_free_all(&list)
    }

    var isEmpty: Bool { self.list == nil }

    mutating func append(_ identifier: mqtt5_property, number value: UInt32) {
        mosquitto_property_add_int32(&self.list, Int32(identifier.rawValue), value)
    }

    mutating func append(_ identifier: mqtt5_property, variable value: UInt32) {
        mosquitto_property_add_varint(&self.list, Int32(identifier.rawValue), value)
    }

    mutating func append(_ identifier: mqtt5_property, byte value: UInt8) {
        mosquitto_property_add_byte(&self.list, Int32(identifier.rawValue), value)
    }

    /// Adds bytes, unless there are none.
    ///
    /// - Returns: false when there are more than 65535 bytes.
    @discardableResult
    mutating func append(_ identifier: mqtt5_property, binary value: [UInt8]) -> Bool {
        if value.isEmpty { return true }
        guard let count = UInt16(exactly: value.count) else { return false }
        return mosquitto_property_add_binary(&self.list, Int32(identifier.rawValue), value, count) == MOSQ_ERR_SUCCESS.rawValue
    }

    mutating func append(_ identifier: mqtt5_property, short value: UInt16) {
        mosquitto_property_add_int16(&self.list, Int32(identifier.rawValue), value)
    }

    /// Adds a text as ``MQTTText`` makes it, unless it is empty: of an empty one libmosquitto keeps no copy, and crashes when it makes one.
    ///
    /// - Returns: false when there are more than 65535 bytes.
    @discardableResult
    mutating func append(_ identifier: mqtt5_property, text value: String) -> Bool {
        if value.isEmpty { return true }
        let text = MQTTText.harmless(value)
        return mosquitto_property_add_string(&self.list, Int32(identifier.rawValue), text) == MOSQ_ERR_SUCCESS.rawValue
    }

    /// Adds a name and a value as ``MQTTText`` makes them; each may be empty.
    ///
    /// - Returns: false when one of them has more than 65535 bytes, which libmosquitto would cut.
    @discardableResult
    mutating func append(user name: String, _ value: String) -> Bool {
        let (name, value) = (MQTTText.harmless(name), MQTTText.harmless(value))
        guard max(name.utf8.count, value.utf8.count) <= 65_535 else { return false }
        return mosquitto_property_add_string_pair(&self.list, Int32(MQTT_PROP_USER_PROPERTY.rawValue), name, value)
            == MOSQ_ERR_SUCCESS.rawValue
    }
}
