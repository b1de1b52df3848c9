import BridgeCore
import NIOHTTP1
import Testing

@testable import WebhookAdapter

@Suite struct WebhookAttributesTests {
    @Test func `requests with the same fields share their attributes, whatever their length`() {
        var attributes = WebhookAttributes()
        let first = attributes.make(of: ["Host": "x", "Content-Length": "1", "X-A": "b", "Cookie": "c"])
        #expect(first == Attributes([("host", "x"), ("x-a", "b")]))
        let second = attributes.make(of: ["Host": "x", "Content-Length": "23", "X-A": "b", "Cookie": "c"])
        #expect(second.elements.sharesStorage(with: first.elements))
    }

    @Test(
        arguments: [
            ["Host": "x", "X-A": "c"], ["Host": "x"], ["Host": "x", "X-A": "b", "X-B": "b"], ["X-A": "b", "Host": "x"],
            ["Host": "x", "x-a": "b"], ["Host": "x", "X-A": "B"],
        ] as [HTTPHeaders]) func `other fields become other attributes`(_ fields: HTTPHeaders)
    {
        var attributes = WebhookAttributes()
        let first = attributes.make(of: ["Host": "x", "X-A": "b"])
        let second = attributes.make(of: fields)
        #expect(second == Attributes(fields.map { ($0.name.lowercased(), $0.value) }))
        #expect(!second.elements.sharesStorage(with: first.elements))
    }

    @Test func `texts that only look the same are different`() {
        var attributes = WebhookAttributes()
        _ = attributes.make(of: ["X-A": "\u{E9}"])
        let decomposed = attributes.make(of: ["X-A": "e\u{301}"])["x-a"] ?? ""
        #expect(decomposed.utf8.elementsEqual("e\u{301}".utf8))
    }

    @Test(arguments: [
        ("authorization", false), ("x-api-key", true), ("x-auth-token", true), ("x-gitlab-token", true), ("x-goog-apikey", true),
        ("my-secret", true), ("x-password", true), ("idempotency-key", false), ("x-title", false), ("x-request-id", false),
    ]) func `secret names are known`(_ name: String, _ isSecret: Bool) {
        #expect(WebhookAttributes.isSecret(name) == isSecret)
    }
}
