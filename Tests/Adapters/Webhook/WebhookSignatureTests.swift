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
