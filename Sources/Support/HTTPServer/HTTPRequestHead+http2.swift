import NIOHPACK
import NIOHTTP1

extension HTTPRequestHead {
    /// The head of an HTTP/2 request (RFC 9113 §8.3.1), which NIO has validated.
    ///
    /// `:authority` becomes `Host`; a `Host` that contradicts it is kept, so that ``refusal`` sees two.
    init(_ fields: HPACKHeaders) {
        var method = HTTPMethod.GET
        var path: String?
        var authority: String?
        var cookies: [String] = []
        var headers = HTTPHeaders()
        headers.reserveCapacity(fields.count)
        for (name, value, _) in fields {
            switch name {
            case ":method": method = HTTPMethod(rawValue: value)
            case ":path": path = value
            case ":authority": authority = value
            case let pseudo where pseudo.utf8.first == UInt8(ascii: ":"): break
            // One field in several pieces (RFC 9113 §8.2.3).
            case "cookie": cookies.append(value)
            default: headers.add(name: name, value: value)
            }
        }
        if let authority {
            let hosts = headers["Host"]
            if hosts.count == 1, hosts[0].lowercased() == authority.lowercased() { headers.remove(name: "Host") }
            headers.add(name: "Host", value: authority)
        }
        if !cookies.isEmpty { headers.add(name: "Cookie", value: cookies.joined(separator: "; ")) }
        // CONNECT has no path (RFC 9113 §8.5).
        self.init(version: HTTPVersion(major: 2, minor: 0), method: method, uri: path ?? authority ?? "", headers: headers)
    }
}
