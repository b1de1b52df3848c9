import BridgeCore

/// The address of a broker: `mqtt://[user:password@]host[:1883]` or `mqtts://…[:8883]`.
struct MQTTAddress: Sendable, Equatable, CustomStringConvertible {
    let isSecure: Bool
    /// A name or a numeric address; that of IPv6 without its brackets.
    let host: String
    let port: Int
    let user: String?
    let password: Secret?

    /// The address of a broker on this machine.
    init() {
        self.isSecure = false
        self.host = "localhost"
        self.port = 1883
        self.user = nil
        self.password = nil
    }

    /// - Throws: ``MQTTTextError``, which never repeats the password.
    init(parsing text: String) throws {
        guard !text.hasCombinedDelimiter else {
            throw MQTTTextError("a combining mark follows a ':', '/' or '@'; write it percent-encoded")
        }
        guard let scheme = text.firstRange(of: "://") else {
            throw MQTTTextError("this is not a URL; write mqtt://host, mqtt://host:1883 or mqtts://host:8883")
        }
        switch text[..<scheme.lowerBound] {
        case "mqtt": self.isSecure = false
        case "mqtts": self.isSecure = true
        case "ws", "wss":
            throw MQTTTextError(
                "MQTT over WebSocket is not supported; write mqtt:// or mqtts:// and the broker's port for them, such as 1883")
        case let other: throw MQTTTextError("unsupported scheme '\(other)'; use mqtt://, or mqtts:// for TLS")
        }
        var rest = text[scheme.upperBound...]
        if rest.last == "/" { rest.removeLast() }
        if let end = rest.firstIndex(where: { "/?#".contains($0) }) {
            guard !rest[end...].contains("@") else {
                throw MQTTTextError(
                    "'\(rest[end])' in the user or password is written %\(rest[end] == "/" ? "2F" : rest[end] == "?" ? "3F" : "23"); or set user"
                        + " and password under their own keys")
            }
            throw MQTTTextError("an MQTT URL ends after the port; write topics under their own keys")
        }
        if let at = rest.lastIndex(of: "@") {
            let credentials = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            self.user = try Self.percentDecoded(credentials[0])
            self.password = credentials.count > 1 ? Secret(try Self.percentDecoded(credentials[1])) : nil
            rest = rest[rest.index(after: at)...]
        } else {
            self.user = nil
            self.password = nil
        }
        let host: Substring
        if rest.first == "[" {
            guard let end = rest.firstIndex(of: "]") else { throw MQTTTextError("the IPv6 address lacks its ']'") }
            host = rest[rest.index(after: rest.startIndex)..<end]
            rest = rest[rest.index(after: end)...]
        } else {
            host = rest.prefix { $0 != ":" }
            rest = rest.dropFirst(host.count)
        }
        guard !host.isEmpty else { throw MQTTTextError("the URL names no host") }
        self.host = String(host)
        if rest.isEmpty {
            self.port = self.isSecure ? 8883 : 1883
        } else {
            guard rest.first == ":", let port = Int(rest.dropFirst()), (1...65_535).contains(port) else {
                throw MQTTTextError("'\(rest.dropFirst())' is not a port; 1 to 65535 is allowed")
            }
            self.port = port
        }
    }

    /// Without credentials, so it may be logged.
    var description: String {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        return "\(self.isSecure ? "mqtts" : "mqtt")://\(host):\(self.port)"
    }

    /// RFC 3986 §2.1.
    private static func percentDecoded(_ text: Substring) throws -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                throw MQTTTextError(
                    "a '%' in the user or password is not followed by two hexadecimal digits; write %25 for the sign")
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A text that MQTT does not allow; the decoder adds its location.
struct MQTTTextError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
