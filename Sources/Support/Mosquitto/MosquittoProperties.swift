import CMosquitto

/// A list of properties of MQTT 5 that is freed with its owner.
package struct MosquittoProperties: ~Copyable {
    /// A property that we send (MQTT 5 §2.2.2.2).
    package enum Identifier: Int32 {
        /// A byte, 1 for UTF-8.
        case payloadFormat = 0x01
        /// A number of seconds.
        case messageExpiry = 0x02
        /// A text.
        case contentType = 0x03
        /// A topic.
        case responseTopic = 0x08
        /// Bytes.
        case correlationData = 0x09
        /// A number in up to four bytes, from 1.
        case subscriptionIdentifier = 0x0b
        /// A number of seconds.
        case sessionExpiry = 0x11
        /// A number of 16 bits, from 1.
        case receiveMaximum = 0x21
    }

    private(set) var list: OpaquePointer?

    /// Makes an empty list.
    package init() {}

    deinit {
        var list = self.list
        mosquitto_property_free_all(&list)
    }

    var isEmpty: Bool { self.list == nil }

    /// Adds a number of 32 bits.
    package mutating func append(_ identifier: Identifier, number value: UInt32) {
        mosquitto_property_add_int32(&self.list, identifier.rawValue, value)
    }

    /// Adds a number in as many bytes as it needs (MQTT 5 §1.5.5).
    package mutating func append(_ identifier: Identifier, variable value: UInt32) {
        mosquitto_property_add_varint(&self.list, identifier.rawValue, value)
    }

    /// Adds a number of 16 bits.
    package mutating func append(_ identifier: Identifier, short value: UInt16) {
        mosquitto_property_add_int16(&self.list, identifier.rawValue, value)
    }

    /// Adds a byte.
    package mutating func append(_ identifier: Identifier, byte value: UInt8) {
        mosquitto_property_add_byte(&self.list, identifier.rawValue, value)
    }

    /// Adds bytes, unless there are none.
    ///
    /// - Returns: false when there are more than 65535 bytes.
    @discardableResult
    package mutating func append(_ identifier: Identifier, binary value: [UInt8]) -> Bool {
        if value.isEmpty { return true }
        guard let count = UInt16(exactly: value.count) else { return false }
        return mosquitto_property_add_binary(&self.list, identifier.rawValue, value, count) == MOSQ_ERR_SUCCESS.rawValue
    }

    /// Adds a text as ``MQTTText`` makes it, unless it is empty: of an empty one libmosquitto keeps no copy, and crashes when it makes one.
    ///
    /// - Returns: false when there are more than 65535 bytes.
    @discardableResult
    package mutating func append(_ identifier: Identifier, text value: String) -> Bool {
        if value.isEmpty { return true }
        let text = MQTTText.harmless(value)
        return mosquitto_property_add_string(&self.list, identifier.rawValue, text) == MOSQ_ERR_SUCCESS.rawValue
    }

    /// Adds a user property, its name and value as ``MQTTText`` makes them; each may be empty.
    ///
    /// - Returns: false when one of them has more than 65535 bytes, which libmosquitto would cut.
    @discardableResult
    package mutating func append(user name: String, _ value: String) -> Bool {
        let (name, value) = (MQTTText.harmless(name), MQTTText.harmless(value))
        guard max(name.utf8.count, value.utf8.count) <= 65_535 else { return false }
        return mosquitto_property_add_string_pair(&self.list, Int32(MQTT_PROP_USER_PROPERTY.rawValue), name, value)
            == MOSQ_ERR_SUCCESS.rawValue
    }
}
