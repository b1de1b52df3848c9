import NIOCore
import Testing

@testable import WebhookAdapter

/// Forms, as browsers, `curl -d`, `curl -F` and older senders post them.
struct WebhookFormTests {
    private func form(_ body: String) -> String? {
        WebhookForm.message(of: ByteBuffer(string: body)).map { String(buffer: $0) }
    }

    private func multipart(_ body: String, _ type: String = "multipart/form-data; boundary=X") -> String? {
        WebhookMultipart.message(of: ByteBuffer(string: body), contentType: type).map { String(buffer: $0) }
    }

    @Test(
        arguments: [
            ("title=Door&message=open+now&tag=a&tag=b", #"{"title":"Door","message":"open now","tag":["a","b"]}"#),
            ("payload=%7B%22text%22%3A%22hi%22%7D&token=x", #"{"text":"hi"}"#),
            ("payload=plain&x=1", #"{"payload":"plain","x":"1"}"#),
            ("a=%22%0A", #"{"a":"\"\n"}"#), ("a=", #"{"a":""}"#), ("disk%20almost%20full", "disk almost full"),
            ("disk almost full", nil), (#"{"message":"m"}"#, nil), ("", nil), ("a=%FF", nil), ("=a", nil), ("word", nil),
            ("title=Front Door&message=it's open, now", #"{"title":"Front Door","message":"it's open, now"}"#),
            ("name=Tür+1&n=%C3%BC", #"{"name":"Tür 1","n":"ü"}"#), (#"payload={"text":"a=b & c"}"#, nil),
            (#"payload={"text":"a=b"}"#, #"{"text":"a=b"}"#), ("level=error msg=boom", nil), ("a b=c d", nil),
            ("https://example.com/?a=b c", nil), ("a=b&c d", nil), ("a=b\nc=d e", nil),
        ] as [(String, String?)])
    func `a form is an object of its fields, or the message that a field carries`(body: String, message: String?) {
        #expect(self.form(body) == message)
    }

    @Test func `a form with too many fields is text`() {
        let fields = (0..<WebhookForm.fieldLimit).map { "f\($0)=1" }.joined(separator: "&")
        #expect(self.form(fields) != nil)
        #expect(self.form(fields + "&more=1") == nil)
    }

    @Test func `fields and files of a multipart form are an object`() {
        let body =
            "--X\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nDoor\r\n--X\r\n"
            + "Content-Disposition: form-data; name=\"photo\"; filename=\"a%22b.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n\u{1}\r\n\u{2}\r\n--X--\r\n"
        #expect(
            self.multipart(body) == #"{"title":"Door","photo":{"filename":"a\"b.jpg","type":"image/jpeg","size":4}}"#)
        #expect(self.multipart(body, "multipart/form-data; charset=utf-8; boundary=\"X\"") == self.multipart(body))
    }

    @Test func `a field of a multipart form may carry the message`() {
        let body = "--X\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{\"a\":1}\r\n--X--"
        #expect(self.multipart(body) == #"{"a":1}"#)
    }

    @Test(
        arguments: [
            "", "--X", "--X--", "--X\r\n\r\nx", "--X\r\nContent-Disposition: form-data\r\n\r\nx\r\n--X--", "no boundary at all",
            "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nnever ended",
        ])
    func `what is no multipart form stays as it is`(body: String) {
        #expect(self.multipart(body) == nil)
    }

    @Test func `a multipart form has bounds`() {
        let part = "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n"
        #expect(self.multipart(String(repeating: part, count: WebhookMultipart.partLimit) + "--X--") != nil)
        #expect(self.multipart(String(repeating: part, count: WebhookMultipart.partLimit + 1) + "--X--") == nil)
        #expect(self.multipart(part + "--X--", "multipart/form-data; boundary=" + String(repeating: "X", count: 71)) == nil)
        #expect(self.multipart(part + "--X--", "multipart/form-data") == nil)
    }
}
