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

    /// - Returns: false when there are more than 65535 bytes.
    @discardableResult
    mutating func append(_ identifier: mqtt5_property, binary value: [UInt8]) -> Bool {
        guard let count = UInt16(exactly: value.count) else { return false }
        return mosquitto_property_add_binary(&self.list, Int32(identifier.rawValue), value, count) == MOSQ_ERR_SUCCESS.rawValue
    }

    mutating func append(_ identifier: mqtt5_property, short value: UInt16) {
        mosquitto_property_add_int16(&self.list, Int32(identifier.rawValue), value)
    }

    /// - Returns: false when the library refuses the text: over 65535 bytes, or characters that MQTT 5 §1.5.4 forbids.
    @discardableResult
    mutating func append(_ identifier: mqtt5_property, text value: String) -> Bool {
        mosquitto_property_add_string(&self.list, Int32(identifier.rawValue), value) == MOSQ_ERR_SUCCESS.rawValue
    }

    /// - Returns: false when the library refuses one of the texts.
    @discardableResult
    mutating func append(user name: String, _ value: String) -> Bool {
        mosquitto_property_add_string_pair(&self.list, Int32(MQTT_PROP_USER_PROPERTY.rawValue), name, value)
            == MOSQ_ERR_SUCCESS.rawValue
    }
}
