/// The names of the properties (MQTT 5 §2.2.2.2, table 2-4).
enum MQTTPropertyNames {
    /// A property for error messages: its number, and its name if the standard defines one.
    static func text(of identifier: Int) -> String {
        identifier < self.texts.count ? self.texts[identifier] : "property \(identifier)"
    }

    /// By number; built once, because each property of each message needs one.
    private static let texts: [String] = (0..<64).map { identifier in
        Self.names[identifier].map { "property \(identifier) (\($0))" } ?? "property \(identifier)"
    }

    private static let names: [Int: String] = [
        0x01: "Payload Format Indicator", 0x02: "Message Expiry Interval", 0x03: "Content Type", 0x08: "Response Topic",
        0x09: "Correlation Data", 0x0b: "Subscription Identifier", 0x11: "Session Expiry Interval",
        0x12: "Assigned Client Identifier", 0x13: "Server Keep Alive", 0x15: "Authentication Method",
        0x16: "Authentication Data", 0x17: "Request Problem Information", 0x18: "Will Delay Interval",
        0x19: "Request Response Information", 0x1a: "Response Information", 0x1c: "Server Reference", 0x1f: "Reason String",
        0x21: "Receive Maximum", 0x22: "Topic Alias Maximum", 0x23: "Topic Alias", 0x24: "Maximum QoS",
        0x25: "Retain Available", 0x26: "User Property", 0x27: "Maximum Packet Size",
        0x28: "Wildcard Subscription Available", 0x29: "Subscription Identifier Available",
        0x2a: "Shared Subscription Available",
    ]
}
