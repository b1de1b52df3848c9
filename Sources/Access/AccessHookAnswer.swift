import BridgeCore
import Curl
import HTTPServer
import JSON
import NIOCore

/// Reads what a 2xx answer of the hook grants.
enum AccessHookAnswer {
    /// Bytes of body that an answer may have.
    static let limit = 64 << 10

    /// Why an answer cannot be used, as half a sentence.
    struct Unusable: Error {
        let reason: String

        init(_ reason: String) { self.reason = reason }
    }

    /// An answer that certainly has no body grants everything; one with a body grants exactly what its JSON object
    /// lists.
    ///
    /// - Parameters:
    ///   - head: with a status of 200 to 299.
    ///   - body: the first ``limit`` bytes and one, at most.
    static func grant(_ head: CurlHead, body: ByteBuffer) throws(Unusable) -> HTTPGrant {
        guard body.readableBytes > 0 else {
            if let reason = Self.doubt(about: head) { throw Unusable(reason) }
            return HTTPGrant(subscribe: ["#"], publish: ["#"])
        }
        guard body.readableBytes <= Self.limit else { throw Unusable("the body is larger than \(Self.limit) bytes") }
        guard body.getBytes(at: body.readerIndex, length: 3) != [0xEF, 0xBB, 0xBF] else {
            throw Unusable("the body begins with a byte order mark")
        }
        let parser = JSONParser(levels: 8)
        let root: JSONElement
        do { root = try parser.parse(body) } catch { throw Unusable("the body is not JSON: \(error)") }
        defer { withExtendedLifetime(parser) {} }
        guard root.kind == .object else { throw Unusable("the body is not a JSON object") }
        return try Self.grant(root)
    }

    /// Why an answer with an empty body may have lost one; `nil` if its head excludes a body.
    private static func doubt(about head: CurlHead) -> String? {
        guard head.saysWhereBodyEnds else {
            return "the connection was closed before a body; answer 204, or with Content-Length: 0, to grant everything"
        }
        // An answer with this status has no body and must not announce one (RFC 9110 §8.6 and §15.3.5).
        let lengths = head.headers.filter { $0.name == "content-length" }
        guard head.status == 204, let length = lengths.first(where: { $0.value != "0" }) else { return nil }
        return "status 204 excludes a body, but Content-Length announces \(length.value.prefix(20)) bytes"
    }

    private static func grant(_ root: JSONElement) throws(Unusable) -> HTTPGrant {
        var members: [String: JSONElement] = [:]
        var duplicate: String?
        root.forEachMember { name, value in
            if members.updateValue(value, forKey: name) != nil { duplicate = name }
        }
        if let duplicate { throw Unusable("the member '\(duplicate.prefix(40))' occurs twice") }
        var grant = HTTPGrant(
            subscribe: try Self.patterns("subscribe", members["subscribe"]),
            publish: try Self.patterns("publish", members["publish"]))
        switch members["name"]?.kind {
        case nil, .null: break
        case .string: grant.name = members["name"]?.string
        default: throw Unusable("'name' must be a string")
        }
        switch members["expires"]?.kind {
        case nil: break
        // A hook that found no expiry has not thereby granted access without one.
        case .null: throw Unusable("'expires' is null; omit it for a grant that never expires")
        case .integer, .unsigned, .double: grant.expires = members["expires"]?.double.map(HTTPGrant.milliseconds)
        default: throw Unusable("'expires' must be a number of seconds since 1970")
        }
        return grant
    }

    /// The names and filters of a member; none where it is absent or `null`.
    private static func patterns(_ name: String, _ member: JSONElement?) throws(Unusable) -> [String] {
        guard let member, member.kind != .null else { return [] }
        var texts: [String] = []
        var isList = member.kind == .array
        member.forEachItem { item in
            if item.kind == .string, let text = item.string { texts.append(text) } else { isList = false }
        }
        guard isList else { throw Unusable("'\(name)' must be a list of strings") }
        for text in texts {
            do throws(SettingError) {
                _ = try SubjectPattern(name: text)
            } catch {
                throw Unusable("'\(name)' holds '\(text.prefix(100))': \(error.message)")
            }
        }
        return texts
    }
}
