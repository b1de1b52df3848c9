import BridgeCore
import NIOCore
import Testing

@testable import WebhookAdapter

@Suite struct WebhookSignatureTests {
    /// RFC 4231 §4.3, test case 2.
    private let body = ByteBuffer(string: "what do ya want for nothing?")
    private let sha256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    private let sha512 =
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"

    @Test func `a signature is that of the standard's test case`() {
        #expect(WebhookSignature(secret: Secret("Jefe")).sign(self.body) == "sha256=\(self.sha256)")
        #expect(WebhookSignature(secret: Secret("Jefe"), algorithm: .sha512, prefix: "").sign(self.body) == self.sha512)
    }

    @Test func `a key longer than a block is hashed first`() {
        // RFC 4231 §4.7, test case 6.
        let signature = WebhookSignature(secret: Secret(String(repeating: "a", count: 131)), prefix: "v1=")
        let text = signature.sign(ByteBuffer(string: "x"))
        #expect(text.utf8.count == 3 + 64)
        #expect(signature.verify(text, body: ByteBuffer(string: "x")))
    }

    @Test func `its own signature is accepted in both cases of the digits`() {
        let signature = WebhookSignature(secret: Secret("Jefe"))
        #expect(signature.verify("sha256=\(self.sha256)", body: self.body))
        #expect(signature.verify("sha256=\(self.sha256.uppercased())", body: self.body))
        #expect(WebhookSignature(secret: Secret("Jefe"), algorithm: .sha512).verify("sha512=\(self.sha512)", body: self.body))
    }

    @Test func `a signature can be base64, without a prefix unless one is given`() {
        let text = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="
        let signature = WebhookSignature(secret: Secret("Jefe"), encoding: .base64)
        #expect(signature.sign(self.body) == text)
        #expect(signature.verify(text, body: self.body))
        #expect(signature.verify(String(text.dropLast()), body: self.body), "padding may be missing")
        for other in [text + "==", "=" + text, text.lowercased(), "sha256=" + text, String(text.dropLast(2)), ""] {
            #expect(!signature.verify(other, body: self.body), "\(other)")
        }
        let prefixed = WebhookSignature(secret: Secret("Jefe"), encoding: .base64, prefix: "sha256=")
        #expect(prefixed.sign(self.body) == "sha256=" + text)
    }

    @Test func `SHA-1 signs as RFC 2202 shows`() {
        // RFC 2202 §3, test case 2.
        let signature = WebhookSignature(secret: Secret("Jefe"), algorithm: .sha1)
        #expect(signature.sign(self.body) == "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
        #expect(signature.verify("sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", body: self.body))
        #expect(signature.form == "'sha1=' and 40 hexadecimal digits")
        #expect(WebhookSignature(secret: Secret("s"), encoding: .base64).form == "44 characters of base64")
    }

    @Test func `text in front of the body is signed like a part of it`() {
        let signature = WebhookSignature(secret: Secret("Jefe"))
        let rest = ByteBuffer(string: "do ya want for nothing?")
        #expect(signature.sign(rest, after: "what ") == signature.sign(self.body))
        #expect(signature.verify(signature.sign(self.body), body: rest, after: "what "))
        #expect(!signature.verify(signature.sign(self.body), body: rest))
    }

    @Test(
        arguments: [
            ("", []), ("TQ==", [77]), ("TQ", [77]), ("TWE=", [77, 97]), ("TWFu", [77, 97, 110]), ("+/8=", [0xFB, 0xFF]),
            ("T", nil), ("TQ===", nil), ("T===", nil), ("TQ=a", nil), ("T-_u", nil), (" TQ==", nil), ("TQ==\n", nil),
        ] as [(String, [UInt8]?)])
    func `base64 is read strictly, but for its padding`(text: String, bytes: [UInt8]?) {
        #expect(Base64.bytes(text.utf8) == bytes)
    }

    @Test(arguments: [
        "", "sha256=", "sha256=zz", "sha256=5", "SHA256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec38",
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec384300",
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3842",
    ])
    func `anything else is refused`(_ text: String) {
        #expect(!WebhookSignature(secret: Secret("Jefe")).verify(text, body: self.body))
    }

    @Test func `another body or another secret is refused`() {
        #expect(!WebhookSignature(secret: Secret("Jefe")).verify("sha256=\(self.sha256)", body: ByteBuffer(string: "what")))
        #expect(!WebhookSignature(secret: Secret("jefe")).verify("sha256=\(self.sha256)", body: self.body))
    }
}
