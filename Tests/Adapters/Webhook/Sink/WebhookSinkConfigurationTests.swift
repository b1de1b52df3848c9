import BridgeCore
import Testing

@testable import WebhookAdapter

@Suite struct WebhookSinkConfigurationTests {
    @Test func `only the address is required`() throws {
        let configuration = try HookFixture.configuration("https://a.example/hook")
        #expect(configuration.method == .post)
        #expect(configuration.timeout == .seconds(15))
        #expect(configuration.inFlight == 1)
        #expect(configuration.success.path == nil)
        #expect([199, 200, 299, 300].map(configuration.success.statuses.contains) == [false, true, true, false])
    }

    @Test(arguments: [
        ("a.example/x", "", "url: the address must begin with http:// or https://"),
        ("http://{{ .payload.host }}/x", "", "url: the address names no host"),
        (
            "http://a{{ $subject }}/x", "",
            "url: '{{' is allowed only after the host and a '/', so that no event can choose the receiver"
        ),
        (
            "http://a:1{{ $subject }}", "",
            "url: '{{' is allowed only after the host and a '/', so that no event can choose the receiver"
        ),
        ("{{ .payload.url }}", "", "url: the address must begin with http:// or https://"),
        ("http://a", #""method": "DELETE""#, "method: 'DELETE' is not one of POST, PUT, PATCH, GET"),
        ("http://a", #""format": "raw", "body": "x""#, "format: format and body exclude each other; leave one out"),
        ("http://a", #""method": "GET", "body": "x""#, "body: GET sends no body; leave body out or write method: POST"),
        (
            "http://a", #""method": "GET", "signature": {"secret": "x"}"#,
            "signature: GET sends no body; leave signature out or write method: POST"
        ),
        ("http://a", #""content_type": "a\r\n""#, "content_type: 'a\r\n' is not a media type such as application/json"),
        ("http://a", #""headers": {"a b": "x"}"#, "headers.a b: 'a b' is not the name of a header; write a name such as X-Token"),
        ("http://a", #""headers": {"Host": "x"}"#, "headers.Host: Host is set automatically; leave it out"),
        (
            "http://a", #""headers": {"a": "b\r\nc: d"}"#,
            "headers.a: the value of a holds control characters or begins or ends with a space"
        ),
        ("http://a", #""password": "x""#, "password: a password needs a user; set user"),
        ("http://a", #""user": "u", "token": "x""#, "token: token and user exclude each other; leave one out"),
        ("http://a", #""token": """#, "token: the token is empty; leave it out to send none"),
        ("http://a", #""unix_socket": """#, "unix_socket: is empty; write the path of a socket or leave it out"),
        (
            "http://a", #""token": "x", "headers": {"authorization": "y"}"#,
            "headers.authorization: authorization is set by token; leave one of them out"
        ),
        ("http://a", #""success": "ok""#, "success: 'ok' is not a path in the answer; write one such as .ok"),
        (
            "http://a", #""retry": {"after": "retry_after"}"#,
            "retry.after: 'retry_after' is not a path in the answer; write one such as .ok"
        ),
        ("http://a", #""json": {"a": {"required": "a name"}}"#, "json.a: has no value; write a name"),
        ("http://a", #""headers": {"X-A": {"required": "a token"}}"#, "headers.X-A: has no value; write a token"),
        (
            "http://a", #""headers": {"X-A": {"b": "c"}}"#,
            "headers.X-A: is not a text; write one, or a value such as { from: .title }"
        ),
        ("http://a", #""timeout": "0s""#, "timeout: must be longer than 0s"),
        ("http://a", #""max_connection_age": "999ms""#, "max_connection_age: must be 1s or longer"),
        (
            "http://a", #""json": {"a": "b"}, "body": "x""#,
            "json: json, body and format exclude each other; json is the whole body"
        ),
        (
            "http://a", #""json": {}, "format": "raw""#,
            "json: json, body and format exclude each other; json is the whole body"
        ),
        ("http://a", #""json": {}, "method": "GET""#, "json: GET sends no body; leave json out or write method: POST"),
        (
            "http://a", #""json": {"a": ["{{ .titel }}"]}"#,
            "json.a.Index 0: in '{{ .titel }}': an event has no field 'titel'; it has id, title, message, priority, tags, timestamp, "
                + "payload"
        ),
        ("http://a", #""in_flight": 0"#, "in_flight: 0 is out of range; 1 to 1000 is allowed"),
        ("http://a", #""signature": {"secret": ""}"#, "signature.secret: the secret is empty; write one"),
        ("http://a", #""signature": {"secret": "x", "header": "a b"}"#, "signature.header: 'a b' is not the name of a header"),
        (
            "http://a", #""signature": {"secret": "x", "algorithm": "md5"}"#,
            "signature.algorithm: 'md5' is not one of sha1, sha256, sha512"
        ),
        (
            "http://a", #""signature": {"secret": "x", "key": "y"}"#,
            "signature.key: unknown key 'key'; there are algorithm, encoding, header, prefix, secret"
        ),
    ])
    func `an invalid value is refused with the reason`(_ url: String, _ settings: String, _ reason: String) {
        let error = #expect(throws: SettingError.self) { try HookFixture.configuration(url, settings) }
        #expect(error?.description == reason)
    }

    @Test(arguments: ["2xx", "100", "200-", "-200", "299-200", "200-600", "200-204-208", ""])
    func `an invalid status is refused`(_ text: String) {
        let error = #expect(throws: SettingError.self) { try HookFixture.configuration("http://a", #""success": ["\#(text)"]"#) }
        #expect(
            error?.message == "'\(text)' is neither a status code from 200 to 599 nor a range of them such as 200-299"
        )
    }

    @Test(arguments: ["200", "2xx", "100", "6xx", "5xxx", "500-", "404-200", "299-300", "", "xx", "5x"])
    func `a status that cannot be retried is refused`(_ text: String) {
        let error = #expect(throws: SettingError.self) {
            try HookFixture.configuration("http://a", #""retry": {"on": [503, "\#(text)"]}"#)
        }
        #expect(error?.path.map(\.stringValue).prefix(2) == ["retry", "on"])
        #expect(error?.message.hasPrefix("'\(text)' is not a status to retry; write a code from 300 to 599") == true)
    }

    @Test func `a status cannot be both a success and retried`() throws {
        let settings = #""success": [200, 404], "retry": {"on": ["4xx"]}"#
        let error = #expect(throws: SettingError.self) { try HookFixture.configuration("http://a", settings) }
        #expect(
            error?.description == "retry.on: lists a status that success lists too; remove it from one of them")
        #expect(try HookFixture.configuration("http://a", #""success": [503]"#).success.statuses.contains(503))
    }

    @Test func `by default 408, 425, 429 and 5xx are retried`() throws {
        let standard = try HookFixture.configuration("http://a", #""retry": {"attempts": 3}"#).retriedStatuses
        #expect((200...599).filter(standard.contains) == [408, 425, 429] + Array(500...599))
        let own = try HookFixture.configuration("http://a", #""retry": {"on": [404, "409-410", "3xx"]}"#).retriedStatuses
        #expect((200...599).filter(own.contains) == Array(300...399) + [404, 409, 410])
    }

    @Test(arguments: [
        (#"{"text": "{{ .message }}"}"#, "{{ .message }}"), (#"["a", "b {{ .title }} c"]"#, "{{ .title }}"),
        (#" { "a\\\"": "{{ .id }}" }"#, "{{ .id }}"),
    ])
    func `a template within a JSON string draws a warning`(_ body: String, _ part: String) throws {
        let escaped = body.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        let warnings = try HookFixture.configuration("http://a", "\"body\": \"\(escaped)\"").warnings
        #expect(warnings.map(\.description).first?.hasPrefix("body: \(part) is within a JSON string") == true)
    }

    @Test(arguments: [
        "{{ .message }}", "say \\\"{{ .message }}\\\"", "{\\\"n\\\": {{ .priority }}}", "[{{ .payload }}, \\\"x\\\"]",
    ])
    func `other templates draw no warning`(_ body: String) throws {
        #expect(try HookFixture.configuration("http://a", "\"body\": \"\(body)\"").warnings.isEmpty)
    }

    @Test func `an empty list of successes is refused`() {
        let error = #expect(throws: SettingError.self) { try HookFixture.configuration("http://a", #""success": []"#) }
        #expect(
            error?.description == "success: an empty list would make every answer a failure; leave it out to accept every 2xx")
    }

    @Test func `secrets are not printed`() throws {
        let configuration = try HookFixture.configuration(
            "http://a", #""token": "hidden", "proxy": "http://u:hidden@p", "signature": {"secret": "hidden"}"#
        )
        var text = ""
        dump(configuration, to: &text)
        #expect(!text.contains("hidden") && !"\(configuration)".contains("hidden"))
    }

    @Test func `parts of an address and of a header are made safe`() {
        #expect(WebhookRequest.percentEncoded("aZ09-._~") == "aZ09-._~")
        #expect(WebhookRequest.percentEncoded("a/b?c=d&\u{e9}%\0") == "a%2Fb%3Fc%3Dd%26%C3%A9%25%00")
        #expect(WebhookRequest.headerText(" a\r\nb\u{0}\tc\u{7f} ") == "ab\tc")
        #expect(WebhookRequest.headerText("\r\n") == "")
    }
}
