import BridgeCore

extension SettingCodec where Value == ListenAddress {
    /// `host:port`.
    static var listenAddress: Self {
        SettingCodec<String>.text("host:port").map(write: \.text) { text in
            guard let address = ListenAddress(text) else { throw SettingError(ListenAddress.mistake(text)) }
            return address
        }
    }
}

extension SettingCodec where Value == AddressRange {
    /// An address or a network.
    static var network: Self {
        SettingCodec<String>.text("address or network").map { text in
            guard let range = AddressRange(text) else {
                throw SettingError(
                    "'\(text)' is not an address or network; write one such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32")
            }
            return range
        }
    }
}

extension SettingCodec where Value == String {
    /// A host, a pattern of hosts, or `*`; in lower case.
    static var host: Self {
        Self.text("host, or *").map { text in
            let name = text.hasPrefix("*.") ? text.dropFirst(2) : text[...]
            guard text == "*" || (!name.isEmpty && name.utf8.allSatisfy(Self.isHostByte)) else {
                throw SettingError(
                    "'\(text)' is not a host; write a name or address without scheme, port and path, such as bridge.example.com,"
                        + " *.example.com or *"
                )
            }
            return text.lowercased()
        }
    }

    /// An origin, or `*`; in lower case.
    static var origin: Self {
        Self.text("origin, or *").map { text in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            let isOrigin =
                parts.count == 3 && ["http:", "https:"].contains(parts[0].lowercased()) && parts[1].isEmpty && !parts[2].isEmpty
            guard text == "*" || isOrigin else {
                throw SettingError(
                    "'\(text)' is not an origin; write scheme, host and port without a slash at the end, such as"
                        + " https://app.example.com, or *"
                )
            }
            return text.lowercased()
        }
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._".utf8.contains(byte)
        }
    }
}
