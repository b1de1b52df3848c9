import BridgeCore
import Curl
import NIOCore
import Testing

@testable import SSEAdapter

@Suite struct SSESourceConfigurationTests {
    @Test func `only the address is needed`() throws {
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

    @Test func `a header of the file takes the place of our own`() throws {
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
        ("http://a", #""method": "HEAD""#, "method: 'HEAD' brings no stream; write GET, POST or QUERY"),
        ("http://a", #""body": "x""#, "body: GET sends no body; write method: POST beside it"),
        ("http://a", #""password": "x""#, "password: a password needs a user beside it"),
        ("http://a", #""user": "u", "token": "x""#, "token: a token and a user exclude each other; one of them is sent"),
        ("http://a", #""token": """#, "token: the token is empty; leave it out to send none"),
        ("http://a", #""unix_socket": """#, "unix_socket: is empty; write the path of a socket or leave it out"),
        (
            "http://a", #""user": "x", "headers": {"AUTHORIZATION": "y"}"#,
            "headers: Authorization is set by user; leave one of them out"
        ),
        ("http://a", #""token": "x\n""#, "token: the token holds control characters or begins or ends with a space"),
        ("http://a", #""headers": {"a b": "x"}"#, "headers: 'a b' is not the name of a header"),
        (
            "http://a", #""headers": {"a": "x\r\nb: c"}"#,
            "headers: the value of a holds control characters or begins or ends with a space"
        ),
        (
            "http://a", #""headers": {"last-event-id": "x"}"#,
            "headers: Last-Event-ID is sent by itself; write last_event_id to set the first"
        ),
        (
            "http://a", #""headers": {"Accept-Encoding": "br"}"#,
            "headers: Accept-Encoding is sent by itself, with what can be decoded"
        ),
        ("http://a", #""events": []"#, "events: an empty list takes no event; leave it out to take all"),
        ("http://a", #""last_event_id": "a\nb""#, "last_event_id: not a value that fits into a header of HTTP"),
        ("http://a", #""last_event_id": "a", "resume": false"#, "last_event_id: nothing is resumed while resume is false"),
        ("http://a", #""idle_timeout": "0s""#, "idle_timeout: must be longer than nothing"),
        (
            "http://a", #""connect_timeout": "soon""#,
            "connect_timeout: 'soon' is not a span of time; write a number and ms, s, m, h or d, such as 30s"
        ),
        ("http://a", #""max_event": "0""#, "max_event: must be at least one byte"),
    ])
    func `what cannot be is refused with its reason`(_ url: String, _ settings: String, _ reason: String) {
        let error = #expect(throws: SettingError.self) { try StreamFixture.configuration(url, settings) }
        #expect(error?.description == reason)
    }

    @Test func `an unknown key of tls is refused`() {
        let error = #expect(throws: DecodingError.self) {
            try StreamFixture.configuration("http://a", #""tls": {"cafile": "x"}"#)
        }
        guard case .dataCorrupted(let context)? = error else {
            Issue.record("another error")
            return
        }
        #expect(context.debugDescription == "there is no setting 'cafile'; there are ca_file, cert_file, key_file, insecure")
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
