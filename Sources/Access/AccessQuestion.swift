import Crypto
import Curl
import HTTPServer
import NIOCore
import NIOHTTP1

/// The fields that the hook receives about one request, and nothing else.
struct AccessQuestion {
    private static let forwarded = ["Authorization", "Cookie", "Origin", "User-Agent"]

    /// In the order in which they are sent.
    let headers: [CurlRequest.Header]

    /// - Parameter names: the streams that the request reads or the webhook that it writes to, decoded.
    init(_ request: HTTPRequest, names: [String]) {
        var headers = Self.forwarded.flatMap { name in
            // A value that no header may have is not forwarded, so that the hook sees a request without it.
            request.headers[name].filter(CurlRequest.isHeaderValue).map { (name: name, value: $0) }
        }
        let target = request.path + (request.rawQuery.isEmpty ? "" : "?" + request.rawQuery)
        headers.append(("X-Original-Method", request.method.rawValue))
        headers.append(("X-Original-URI", Self.escaped(target) { $0 > 0x20 && $0 < 0x7F }))
        if !names.isEmpty {
            let list = names.map { Self.escaped($0, isPlain: Self.isUnreserved) }.joined(separator: ",")
            headers.append(("X-Original-Names", list))
        }
        if let address = request.remoteAddress?.ipAddress { headers.append(("X-Forwarded-For", address)) }
        self.headers = headers
    }

    /// Equal only for questions that are equal byte by byte: a digest of all fields, each part preceded by its length.
    var key: SHA256Digest {
        var hash = SHA256()
        for (name, value) in self.headers {
            for part in [name, value] {
                withUnsafeBytes(of: UInt64(part.utf8.count).littleEndian) { hash.update(bufferPointer: $0) }
                hash.update(data: Array(part.utf8))
            }
        }
        return hash.finalize()
    }

    /// Percent-encodes (RFC 3986 §2.1) the bytes that are not plain.
    private static func escaped(_ text: String, isPlain: (UInt8) -> Bool) -> String {
        guard !text.utf8.allSatisfy(isPlain) else { return text }
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count * 3)
        for byte in text.utf8 {
            if isPlain(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The unreserved characters of RFC 3986 §2.3, and those that divide and match levels of names.
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~/$+#".utf8.contains(byte)
        }
    }
}
