import BridgeCore
import Curl
import NIOCore
import Testing

@testable import SSEAdapter

@Suite struct SSESourceConfigurationTests {
    @Test func `only the address is required`() throws {
        let configuration = try StreamFixture.configuration("https://a.example/stream")
        #expect(configuration.method == "GET")
        #expect(configuration.idleTimeout == .seconds(90))
        #expect(configuration.connectTimeout == .seconds(10))
        #expect(configuration.maximumEvent == 16 << 20)
        #expect(configuration.resumes)
        #expect(configuration.events == nil)
        let request = configuration.request(lastEventID: "")
        #expect(request.method == "GET")
        #expect(request.redirects == 5)
        #expect(request.timeout == nil)
        #expect(!request.headers.contains { $0.name == "Last-Event-ID" })
        let resumed = configuration.request(lastEventID: "a b").headers
        #expect(resumed.last?.name == "Last-Event-ID")
        #expect(resumed.last?.value == "a b")
    }

    @Test func `a header in the file replaces the default one`() throws {
        let configuration = try StreamFixture.configuration(
            "http://a", #""method": "POST", "body": "x", "headers": {"content-type": "text/plain", "ACCEPT": "*/*"}"#
        )
        let headers = configuration.request(lastEventID: "").headers
        #expect(headers.filter { $0.name.lowercased() == "content-type" }.map(\.value) == ["text/plain"])
        #expect(headers.filter { $0.name.lowercased() == "accept" }.map(\.value) == ["*/*"])
    }

    @Test(arguments: [
        ("ftp://a", "", "url: the address must begin with http:// or https://"),
        ("http://u:p@a", "", "url: the address must not hold a user or password; there are settings for them"),
        ("http://a", #""method": "P T""#, "method: 'P T' is not a method of HTTP; write one word such as GET, POST or QUERY"),
        ("http://a", #""method": """#, "method: '' is not a method of HTTP; write one word such as GET, POST or QUERY"),
        ("http://a", #""method": "post""#, "method: 'post' is not a method of HTTP, which are case-sensitive; write POST"),
        ("http://a", #""method": "HEAD""#, "method: 'HEAD' returns no stream; write GET, POST or QUERY"),
        ("http://a", #""body": "x""#, "body: GET sends no body; add method: POST"),
        ("http://a", #""password": "x""#, "password: a password needs a user; set user"),
        ("http://a", #""user": "u", "token": "x""#, "token: token and user exclude each other; leave one out"),
        ("http://a", #""token": """#, "token: the token is empty; leave it out to send none"),
        ("http://a", #""unix_socket": """#, "unix_socket: is empty; write the path of a socket or leave it out"),
        (
            "http://a", #""user": "x", "headers": {"AUTHORIZATION": "y"}"#,
            "headers.AUTHORIZATION: Authorization is set by user; leave one of them out"
        ),
        ("http://a", #""token": "x\n""#, "token: the token holds control characters or begins or ends with a space"),
        ("http://a", #""headers": {"a b": "x"}"#, "headers.a b: 'a b' is not the name of a header; write a name such as X-Token"),
        (
            "http://a", #""headers": {"a": "x\r\nb: c"}"#,
            "headers.a: the value of a holds control characters or begins or ends with a space"
        ),
        (
            "http://a", #""headers": {"last-event-id": "x"}"#,
            "headers.last-event-id: Last-Event-ID is sent automatically; use last_event_id to set the first"
        ),
        (
            "http://a", #""headers": {"Accept-Encoding": "br"}"#,
            "headers.Accept-Encoding: Accept-Encoding is sent automatically; leave it out"
        ),
        ("http://a", #""events": []"#, "events: an empty list accepts no event; leave it out to accept all"),
        ("http://a", #""last_event_id": "a\nb""#, "last_event_id: not a value that fits into a header of HTTP"),
        ("http://a", #""last_event_id": "a", "resume": false"#, "last_event_id: has no effect while resume is false"),
        ("http://a", #""idle_timeout": "0s""#, "idle_timeout: must be longer than 0s"),
        (
            "http://a", #""connect_timeout": "soon""#,
            "connect_timeout: invalid duration 'soon'; write a number and a unit (ms, s, m, h, d), such as 30s"
        ),
        ("http://a", #""max_event": "0""#, "max_event: 0 bytes is too small; 1B or more is allowed"),
        ("http://a", #""tls": {"cafile": "x"}"#, "tls.cafile: unknown key 'cafile'; did you mean 'ca_file'?"),
        ("http://a", #""tls": {"key_file": "x"}"#, "tls.key_file: key_file needs cert_file beside it"),
    ])
    func `an invalid value is refused with the reason`(_ url: String, _ settings: String, _ reason: String) {
        let error = #expect(throws: SettingError.self) { try StreamFixture.configuration(url, settings) }
        #expect(error?.description == reason)
    }

    @Test func `secrets are not printed`() throws {
        let configuration = try StreamFixture.configuration(
            "http://a", #""token": "hidden", "headers": {"X-Key": "hidden"}, "proxy": "http://u:hidden@p""#
        )
        var text = ""
        dump(configuration, to: &text)
        #expect(!text.contains("hidden") && !"\(configuration)".contains("hidden"))
    }

    @Test(
        arguments: [
            ("text/event-stream", true), ("Text/Event-Stream ; charset=utf-8", true), ("text/event-stream;", true),
            ("text/event-streams", false), ("application/json", false), ("", false), (nil, false),
        ] as [(String?, Bool)])
    func `the content type of a stream is known in every spelling`(_ text: String?, _ isStream: Bool) {
        #expect(SSEReception.isEventStream(text) == isStream)
    }
}
