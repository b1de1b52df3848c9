/// Which properties a broker may put into which packet, and their values (MQTT 5 §2.2.2.2, table 2-4).
enum MQTTPropertyRules {
    /// The ranges of what libmosquitto must not receive or does not expose.
    struct Found {
        /// Subscription identifiers beyond the first, with their identifier.
        var repeated: [Range<Int>] = []
        /// The assigned client id with its identifier (§3.2.2.3.7).
        var assignedClientID: Range<Int>?
        /// The text of the server reference (§3.2.2.3.16, §3.14.2.2.5).
        var serverReference: Range<Int>?
    }

    /// The remedy for a broker that violates the property rules.
    static let remedy = "update the broker, or write protocol: 3.1.1, which has no properties"

    /// Reads a list of properties, its length first.
    ///
    /// - Throws: ``MQTTViolation`` for a property that is unknown, in the wrong packet, there twice, or out of range.
    @discardableResult
    static func read(_ reader: inout MQTTFieldReader, of kind: MQTTPacketKind) throws(MQTTViolation) -> Found {
        do {
            return try self.list(&reader, of: kind)
        } catch {
            throw MQTTViolation(error.description, remedy: self.remedy)
        }
    }

    private static func list(_ reader: inout MQTTFieldReader, of kind: MQTTPacketKind) throws(MQTTViolation) -> Found {
        var found = Found()
        let length = try reader.variable("the property length")
        try reader.within(length, "the property list") { reader throws(MQTTViolation) in
            // One bit for each identifier that was there.
            var seen: UInt64 = 0
            while !reader.isAtEnd {
                let start = reader.index
                let identifier = try reader.variable("a property identifier")
                guard self.isKnown(identifier, in: kind) else {
                    throw reader.violation("\(MQTTPropertyNames.text(of: identifier)) does not belong there")
                }
                let mark: UInt64 = 1 << UInt64(identifier)
                guard seen & mark == 0 || self.mayRepeat(identifier) else {
                    throw reader.violation("\(MQTTPropertyNames.text(of: identifier)) is there twice")
                }
                let value = reader.index
                try self.readValue(of: identifier, &reader)
                switch identifier {
                case 0x0b where seen & mark != 0: found.repeated.append(start..<reader.index)
                case 0x12: found.assignedClientID = start..<reader.index
                // After its length.
                case 0x1c: found.serverReference = (value + 2)..<reader.index
                default: break
                }
                seen |= mark
            }
        }
        return found
    }

    private static func isKnown(_ identifier: Int, in kind: MQTTPacketKind) -> Bool {
        switch kind {
        // Session expiry, assigned client id, server keep alive, authentication, response information, limits and what is available.
        case .connack:
            switch identifier {
            case 0x11, 0x12, 0x13, 0x15, 0x16, 0x1a, 0x1c, 0x1f, 0x21, 0x22, 0x24...0x2a: true
            default: false
            }
        // Without the topic alias, 0x23: we allow none (§3.1.2.11.5).
        case .publish:
            switch identifier {
            case 0x01, 0x02, 0x03, 0x08, 0x09, 0x0b, 0x26: true
            default: false
            }
        case .puback, .suback, .unsuback: identifier == 0x1f || identifier == 0x26
        case .disconnect: identifier == 0x1c || identifier == 0x1f || identifier == 0x26
        case .pingresp: false
        }
    }

    /// User properties, and the identifiers of all subscriptions that match (§3.3.2.3.8).
    private static func mayRepeat(_ identifier: Int) -> Bool { identifier == 0x26 || identifier == 0x0b }

    private static func readValue(of identifier: Int, _ reader: inout MQTTFieldReader) throws(MQTTViolation) {
        let name = MQTTPropertyNames.text(of: identifier)
        switch identifier {
        case 0x01, 0x24, 0x25, 0x28, 0x29, 0x2a:
            guard try reader.byte(name) <= 1 else { throw reader.violation("\(name) is neither 0 nor 1") }
        case 0x13, 0x22: _ = try reader.short(name)
        case 0x21:
            guard try reader.short(name) != 0 else { throw reader.violation("\(name) is 0") }
        case 0x02, 0x11: _ = try reader.long(name)
        case 0x27:
            guard try reader.long(name) != 0 else { throw reader.violation("\(name) is 0") }
        case 0x0b:
            guard try reader.variable(name) != 0 else { throw reader.violation("\(name) is 0") }
        case 0x09, 0x16: try reader.skipBinary(name)
        case 0x26:
            try reader.text("the name of a user property")
            try reader.text("the value of a user property")
        default: try reader.text(name)
        }
    }
}
