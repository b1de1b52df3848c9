import NIOHPACK
import NIOHTTP1

extension HTTPResponse {
    /// Fields of HTTP/1 connections, and those that the server writes (RFC 9113 §8.2.2).
    private static let excluded: Set<String> = [
        "connection", "content-length", "date", "keep-alive", "proxy-connection", "server", "transfer-encoding", "upgrade",
    ]

    /// Status and header fields in HTTP/2 form.
    ///
    /// - Parameter length: the value of `content-length`; `nil` omits the field.
    func fields(date: String, length: Int?) -> HPACKHeaders {
        var fields = HPACKHeaders()
        fields.reserveCapacity(self.headers.count + 4)
        fields.add(name: ":status", value: String(self.status.code))
        fields.add(name: "server", value: "streambridge")
        fields.add(name: "date", value: date)
        for (name, value) in self.headers where name.isToken && value.isHeaderText {
            let name = name.lowercased()
            if !Self.excluded.contains(name) { fields.add(name: name, value: value.withoutOuterSpace) }
        }
        if let length {
            fields.add(name: "content-length", value: String(length))
        }
        return fields
    }
}

extension String {
    /// Whether it is a valid name (RFC 9110 §5.6.2).
    fileprivate var isToken: Bool {
        !self.isEmpty
            && self.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
