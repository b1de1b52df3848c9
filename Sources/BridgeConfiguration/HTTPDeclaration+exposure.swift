import BridgeCore

/// Which hosts, pages and proxies the listener trusts, and how much memory its clients may take.
extension HTTPDeclaration {
    enum LimitKeys: String, CodingKey, CaseIterable {
        case buffered
        case bufferedPerConnection = "buffered_per_connection"
        case streamsPerConnection = "streams_per_connection"
    }

    /// `http.limits`.
    struct Limits: Decodable {
        let settings: HTTPLimits

        init(from decoder: any Decoder) throws {
            let container = try decoder.mapping(LimitKeys.self)
            var settings = HTTPLimits()
            settings.buffered = try container.bytes(.buffered, default: settings.buffered)
            let share = min(settings.bufferedPerConnection, settings.buffered)
            settings.bufferedPerConnection = try container.bytes(.bufferedPerConnection, default: share)
            settings.streamsPerConnection = try container.integer(
                .streamsPerConnection, in: 100...250, default: settings.streamsPerConnection)
            guard settings.buffered >= 1 << 20 else {
                throw SettingError(path: decoder.codingPath + [LimitKeys.buffered], "less than 1MiB leaves no room for requests")
            }
            guard (64 << 10...settings.buffered).contains(settings.bufferedPerConnection) else {
                throw SettingError(
                    path: decoder.codingPath + [LimitKeys.bufferedPerConnection],
                    "must be at least 64KiB, and no more than buffered"
                )
            }
            self.settings = settings
        }
    }

    /// `http.allowed_hosts`.
    static func hosts(_ texts: [String], _ path: [any CodingKey]) throws -> [String] {
        for text in texts {
            let name = text.hasPrefix("*.") ? text.dropFirst(2) : text[...]
            guard text == "*" || (!name.isEmpty && name.utf8.allSatisfy(Self.isHostByte)) else {
                throw SettingError(
                    path: path,
                    "'\(text)' is no host; write a name or address without scheme, port and path, such as bridge.example.com, *.example.com or *"
                )
            }
        }
        return texts.map { $0.lowercased() }
    }

    /// `http.publish_origins`.
    static func origins(_ texts: [String], _ path: [any CodingKey]) throws -> [String] {
        for text in texts {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            let isOrigin =
                parts.count == 3 && ["http:", "https:"].contains(parts[0].lowercased()) && parts[1].isEmpty && !parts[2].isEmpty
            guard text == "*" || isOrigin else {
                throw SettingError(
                    path: path,
                    "'\(text)' is no origin; write scheme, host and port without a slash at the end, such as https://app.example.com, or *"
                )
            }
        }
        return texts.map { $0.lowercased() }
    }

    /// `http.trusted_proxies`.
    static func proxies(_ texts: [String], _ path: [any CodingKey]) throws -> [AddressRange] {
        try texts.map { text in
            guard let range = AddressRange(text) else {
                throw SettingError(
                    path: path, "'\(text)' is no address or network; write it as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32")
            }
            return range
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
