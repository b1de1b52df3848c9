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

    /// An answer without a body grants everything; one with a body grants what its JSON object says and nothing else.
    ///
    /// - Parameters:
    ///   - status: 200 to 299.
    ///   - body: the first ``limit`` bytes and one, at most.
    static func grant(status: Int, body: ByteBuffer) throws(Unusable) -> HTTPGrant {
        // No answer with this status has a body (RFC 9110 §15.3.5).
        guard status != 204, body.readableBytes > 0 else { return HTTPGrant(subscribe: ["#"], publish: ["#"]) }
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
        case nil, .null: break
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
