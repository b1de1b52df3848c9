import BridgeConfiguration
import BridgeCore
import Curl
import FoundationEssentials
import HTTPServer
import JSON
import NIOCore

@testable import Access

extension FuzzTarget {
    /// What an access hook answers: it grants what its object says, and what cannot be read grants nothing.
    static let hookAnswers = FuzzTarget(
        "hook-answers",
        seeds: [
            "{\"subscribe\":[\"a/#\"],\"publish\":[],\"name\":\"ann\",\"expires\":1800000000}", "", "\u{FEFF}{}", "[]",
            "{\"subscribe\":null,\"expires\":1e400}", "{\"subscribe\":[\"a\"],\"subscribe\":[\"#\"]}", "{\"name\":5}",
            "{\"publish\":[\"a/#/b\"]}", "{\"subscribe\":[[[[[[[[[1]]]]]]]]]}",
        ],
        words: ["\"subscribe\":", "\"publish\":", "\"name\":", "\"expires\":", "[\"", "\"]", "#", "+", "$", "null", "\\u0073"]
    ) { bytes in
        let body = ByteBuffer(bytes: bytes)
        let head = CurlHead(status: 200, reason: "OK", headers: [("content-length", "\(bytes.count)")])
        guard let grant = try? AccessHookAnswer.grant(head, body: body) else { return }
        guard !bytes.isEmpty else {
            return try FuzzFailure.unless(grant.subscribe == ["#"] && grant.publish == ["#"], "an empty body grants not all")
        }
        let parser = JSONParser()
        guard let root = try? parser.parse(body), root.kind == .object else { throw FuzzFailure("what is no object grants") }
        for (name, patterns) in [("subscribe", grant.subscribe), ("publish", grant.publish)] {
            var texts: [String] = []
            root[name]?.forEachItem { texts.append($0.string ?? "") }
            try FuzzFailure.unless(
                texts.count == patterns.count && zip(texts, patterns).allSatisfy { $0.utf8.elementsEqual($1.utf8) },
                "\(name) is \(patterns), the body says \(texts)")
            for pattern in patterns { _ = try SubjectPattern(name: pattern) }
        }
        if let expires = grant.expires { try FuzzFailure.unless(expires >= 0, "a grant ended before 1970") }
        withExtendedLifetime(parser) {}
    }

    /// Tokens: a header with unsupported extensions is always detected, and claims make no name but their own.
    static let tokens = FuzzTarget(
        "tokens",
        seeds: [
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhIiwiZXhwIjo0MDAwMDAwMDAwfQ.AAAA",
            "{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}\u{0}{\"sub\":\"a\",\"exp\":4e9}",
            "{\"alg\":\"HS256\",\"\\u0063rit\":[\"x\"]}\u{0}{\"sub\":\"a/\u{301}b\",\"streambridge\":{\"subscribe\":[\"#\",\"$x\"]}}",
            "{\"alg\":\"HS256\"}\u{0}{\"sub\":\"a/\u{301}b\"}",
            "{\"alg\":\"none\"}\u{0}{\"sub\":\"+\",\"aud\":[\"us\"],\"nbf\":-1e300}", "a.b.c", "..",
        ],
        words: [
            "\"alg\":", "\"crit\":", "\"kid\":", "HS256", "none", "\"sub\":\"", "\"exp\":", "\"nbf\":", "\u{301}", "/", "+", "#",
            ",",
        ]
    ) { bytes in
        let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        var tokens = [String(decoding: bytes, as: UTF8.self)]
        if parts.count == 2 { tokens.append(parts.map { Self.base64URL($0) }.joined(separator: ".") + ".AAAA") }
        for token in tokens {
            guard (try? TokenHeader(of: token)) != nil else { continue }
            let parts = token.split(separator: ".", omittingEmptySubsequences: false).map {
                Base64.bytes($0.utf8, .either) ?? []
            }
            // As the verifier reads it.
            if let header = try? JSONDecoder().decode(Header.self, from: Data(parts[0])) {
                try FuzzFailure.unless(!header.isCritical, "extensions that must be understood are not seen in \(token)")
            }
            guard parts.count == 3, let claims = try? JSONDecoder().decode(TokenClaims.self, from: Data(parts[1])) else {
                continue
            }
            try Self.check(claims)
        }
        if let claims = try? JSONDecoder().decode(TokenClaims.self, from: Data(parts[0])) { try Self.check(claims) }
    }

    private struct Header: Decodable {
        let isCritical: Bool

        private enum Key: CodingKey { case crit }

        init(from decoder: any Decoder) throws { self.isCritical = try decoder.container(keyedBy: Key.self).contains(.crit) }
    }

    /// A claim fills one level of a name, and no other.
    private static func check(_ claims: TokenClaims) throws {
        guard let settings = Self.tokenSettings, let grant = try? claims.grant(settings, now: 1_800_000_000) else { return }
        for pattern in grant.subscribe where pattern.hasPrefix("users/") {
            let rest = pattern.utf8.dropFirst(6)
            try FuzzFailure.unless(
                !rest.contains { "+#/,".utf8.contains($0) }, "a claim grants more than its own name: \(pattern)")
        }
        try FuzzFailure.unless(!grant.subscribe.contains { $0.utf8.first == 0x24 }, "a claim grants a name of the server's own")
        if let expires = grant.expires { try FuzzFailure.unless(expires >= 1_800_000_000_000, "an expired token grants") }
    }

    private static let tokenSettings: AccessSettings.JWT? = try? JSONDecoder().decode(
        AccessSettings.self,
        from: Data(
            "{\"jwt\":{\"secret\":\"a secret that is long enough for HS256\",\"subscribe\":[\"users/{sub}\",\"{sub}\"]}}".utf8)
    ).jwt

    private static func base64URL(_ bytes: ArraySlice<UInt8>) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
