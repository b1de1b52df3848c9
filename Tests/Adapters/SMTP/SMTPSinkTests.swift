import BridgeCore
import BridgeTesting
import Curl
import FoundationEssentials
import NIOCore
import Testing

@testable import SMTPAdapter

/// Mails against a real server, as Python's library reads them.
@Suite(.timeLimit(.minutes(2)))
struct SMTPSinkTests {
    private static func configuration(_ port: Int, _ settings: String) throws -> SMTPSink.Configuration {
        var members = settings
        for (key, value) in [
            ("url", "smtp://127.0.0.1:\(port)"), ("from", "Bridge <bridge@example.org>"), ("to", "ann@example.org"),
        ]
        where !settings.contains("\"\(key)\":") { members += "\(members.isEmpty ? "" : ",")\"\(key)\":\"\(value)\"" }
        let configuration = try JSONDecoder().decode(SMTPSink.Configuration.self, from: Data("{\(members)}".utf8))
        try configuration.validate()
        return configuration
    }

    /// - Parameter drain: how long stopping may take; short where an event stays undelivered.
    private static func harness(
        _ port: Int, _ settings: String = "", attempts: Int = 0, drain: Duration = .seconds(20)
    ) throws -> SinkHarness {
        let configuration = try self.configuration(port, settings)
        let services = SharedServices()
        services.add(CurlMulti())
        return try SinkHarness(name: "out", kind: SMTPSink.kind, services: services, drain: drain, attempts: attempts) {
            try SMTPSink(variants: [configuration], context: $0)
        }
    }

    private static let short = Duration.milliseconds(200)

    private static func event(_ json: String) -> [ByteBuffer] { [ByteBuffer(string: json)] }

    private static func untilReceived(_ count: Int, _ server: SMTPPeer, _ harness: SinkHarness) async throws {
        try await eventually("\(count) mails have arrived, not \((try? server.mails.count) ?? 0): \(harness.log.errors)") {
            try server.mails.count >= count
        }
    }

    @Test func `an event becomes a mail that other programs read`() async throws {
        let server = try await SMTPPeer.start()
        let settings = #"""
            "to":["Ann Ärger <ann@example.org>","{{ .payload.team }}@example.org"],"html":"<b>{{ .title }}</b><p>{{ .message }}</p>",
            "headers":{"X-Site":"{{ .payload.site }}","X-None":"{{ .payload.none }}","Reply-To":"ops@example.org"}
            """#
        let harness = try Self.harness(server.port, settings)
        try await harness.run {
            harness.source.send(
                Self.event(
                    #"{"id":"e-1","title":"Tür <3> offen\r\nBcc: eve@example.org","message":"Grüße\n.\n..\nFrom me & you = <b>\n","priority":5,"timestamp":"2026-11-28T18:00:00.500Z","payload":{"team":"doors","site":"Höhe"}}"#
                ))
            try await Self.untilReceived(1, server, harness)
        }
        let mail = try #require(try server.mails.first)
        #expect(mail.sender == "bridge@example.org" && mail.recipients == ["ann@example.org", "doors@example.org"])
        #expect(mail.defects == [])
        #expect(mail["From"] == "Bridge <bridge@example.org>")
        #expect(mail["To"] == "Ann Ärger <ann@example.org>, doors@example.org")
        #expect(mail["Subject"] == "Tür <3> offen Bcc: eve@example.org" && mail["Bcc"] == nil)
        #expect(mail["Date"] == "Sat, 28 Nov 2026 18:00:00 +0000")
        #expect(mail["Message-ID"] == "<e-1@example.org>")
        #expect(mail["Importance"] == "high" && mail["X-Priority"] == "1" && mail["Auto-Submitted"] == "auto-generated")
        #expect(mail["X-Site"] == "Höhe" && mail["X-None"] == nil && mail["Reply-To"] == "ops@example.org")
        #expect(mail.text == "Grüße\n.\n..\nFrom me & you = <b>\n")
        #expect(
            mail.html == "<b>Tür &lt;3&gt; offen\nBcc: eve@example.org</b><p>Grüße\n.\n..\nFrom me &amp; you = &lt;b&gt;\n</p>\n")
        #expect(mail.lines.allSatisfy { $0.utf8.count <= 78 })
        #expect(harness.deadLetters.count == 0)
    }

    @Test func `without a title the first line of the message is the subject, and one connection carries many mails`()
        async throws
    {
        let server = try await SMTPPeer.start()
        let harness = try Self.harness(server.port)
        try await harness.run {
            harness.source.send((0..<20).map { ByteBuffer(string: "line \($0)\nmore") })
            try await Self.untilReceived(20, server, harness)
        }
        let mails = try server.mails
        #expect(mails.allSatisfy { $0.text.hasSuffix("\nmore\n") && $0.html == nil })
        #expect(Set(mails.map(\.connection)).count == 1)
    }

    @Test(arguments: [false, true])
    func `TLS and a login are used`(isTLSFirst: Bool) async throws {
        let certificates = try await Certificates.make()
        var options = SMTPPeer.Options()
        options.certificate = (certificates.server, certificates.serverKey)
        options.isTLSFirst = isTLSFirst
        options.needsLogin = true
        let server = try await SMTPPeer.start(options)
        let settings =
            #""url":"\#(isTLSFirst ? "smtps" : "smtp")://localhost:\#(server.port)","user":"ann","password":"right","tls":{"ca_file":"\#(certificates.authority)"}"#
        let harness = try Self.harness(server.port, settings)
        try await harness.run {
            harness.source.send(Self.event("hello"))
            try await Self.untilReceived(1, server, harness)
        }
        let mail = try #require(try server.mails.first)
        #expect(mail.isSecure && mail.user == "ann")
    }

    @Test func `credentials are not sent to a server without STARTTLS, and the remedy is named`() async throws {
        var options = SMTPPeer.Options()
        options.needsLogin = true
        let server = try await SMTPPeer.start(options)
        let harness = try Self.harness(server.port, #""user":"ann","password":"right""#, drain: Self.short)
        try await harness.run {
            harness.source.send(Self.event("hello"))
            try await eventually("the error names the remedy, not \(harness.log.errors)") {
                harness.log.errors.contains { $0.contains("does not offer STARTTLS; write smtps://") }
            }
        }
        #expect(try server.mails.isEmpty && harness.deadLetters.count == 0)
        let open = try Self.harness(server.port, #""user":"ann","password":"right","starttls":"off""#)
        try await open.run {
            open.source.send(Self.event("hello"))
            try await Self.untilReceived(1, server, open)
        }
        #expect(try server.mails.first?.isSecure == false)
    }

    @Test func `a certificate that is not trusted, and a wrong password, are retried and named`() async throws {
        let certificates = try await Certificates.make()
        var options = SMTPPeer.Options()
        options.certificate = (certificates.server, certificates.serverKey)
        options.needsLogin = true
        let server = try await SMTPPeer.start(options)
        let url = #""url":"smtp://localhost:\#(server.port)","user":"ann""#
        for (settings, text) in [
            (#""password":"right""#, "from an unknown authority; name that authority's certificate with tls.ca_file"),
            (#""password":"wrong","tls":{"ca_file":"\#(certificates.authority)"}"#, "refuses the login: 535"),
        ] {
            let harness = try Self.harness(server.port, "\(url),\(settings)", attempts: 2, drain: Self.short)
            try await harness.run {
                harness.source.send(Self.event("hello"))
                try await eventually("it is retried with \(text), not \(harness.log.errors)") {
                    harness.log.errors.filter { $0.contains(text) }.count > 0 && harness.bridge.pending == 1
                }
            }
            #expect(harness.deadLetters.count == 0)
        }
    }

    @Test func `receivers are settled one by one`() async throws {
        let server = try await SMTPPeer.start()
        let harness = try Self.harness(
            server.port, #""to":["ann@example.org","refuse@example.org","later@example.org"]"#)
        try await harness.run {
            harness.source.send(Self.event("hello"))
            try await Self.untilReceived(2, server, harness)
            try await eventually("it is confirmed") { harness.bridge.pending == 0 }
        }
        let mails = try server.mails
        #expect(mails.map(\.recipients) == [["ann@example.org"], ["later@example.org"]])
        #expect(mails[0]["Message-ID"] == mails[1]["Message-ID"])
        #expect(harness.deadLetters.count == 0)
    }

    @Test(arguments: [
        (
            #""to":["refuse1@example.org","refuse2@example.org"]"#, "hello",
            "the server refuses every receiver: refuse1@example.org: 550 5.1.1 No such user, refuse2"
        ),
        ("", "refuse me", "the server answered 554 5.6.0 Content not allowed"),
        (#""from":"refuse@example.org""#, "hello", "the server refuses the sender: 550 5.7.1 Sender not allowed"),
        (
            #""to":"{{ .message }}@example.org""#, "a@b, c",
            "the receiver 'a@b, c@example.org' of this event is not a mail address"
        ),
        (#""to":"{{ .message }}@example.org""#, "a>\r\nRCPT TO:<eve", "of this event is not a mail address"),
        (
            #""to":"{{ .payload.none }}@example.org""#, #"{"a":1}"#,
            "the receiver cannot be rendered: {{ .payload.none }} has no value"
        ),
    ])
    func `a permanent refusal becomes a dead letter with the reason`(settings: String, body: String, reason: String) async throws
    {
        let server = try await SMTPPeer.start()
        let harness = try Self.harness(server.port, settings)
        try await harness.run {
            harness.source.send(Self.event(body))
            try await eventually("there is a dead letter") { harness.deadLetters.count == 1 }
        }
        let letter = String(buffer: harness.deadLetters.deliveries[0].event.json)
        #expect(letter.contains(reason.split(separator: "\"").joined(separator: "\\\"")), "\(letter)")
        #expect(try server.mails.isEmpty)
    }

    @Test func `a sender that is refused for every mail is a failure of the sink`() async throws {
        let server = try await SMTPPeer.start()
        let harness = try Self.harness(server.port, #""from":"refuse@example.org""#, drain: Self.short)
        try await harness.run {
            for number in 0..<3 { harness.source.send(Self.event("hello \(number)")) }
            try await eventually("the failure names the settings, not \(harness.log.errors)") {
                harness.log.errors.contains {
                    $0.contains("refuses the sender of every mail: 550 5.7.1 Sender not allowed; check from")
                }
            }
        }
        #expect(harness.deadLetters.count == 2)
    }

    @Test func `a temporary refusal is retried before later mails, and given up within retry`() async throws {
        let server = try await SMTPPeer.start()
        let harness = try Self.harness(server.port)
        try await harness.run {
            harness.source.send(["try later", "second"].map { ByteBuffer(string: $0) })
            try await Self.untilReceived(2, server, harness)
        }
        #expect(try server.mails.map(\.text) == ["try later\n", "second\n"])
        let hopeless = try Self.harness(server.port, #""to":["later1@example.org"]"#, attempts: 1)
        try await hopeless.run {
            hopeless.source.send(Self.event("hello"))
            try await eventually("it is a dead letter") { hopeless.deadLetters.count == 1 }
        }
    }

    @Test(arguments: [(0, 3), (1, 1)])
    func `a mail that is never answered is given up, and does not block later ones`(attempts: Int, copies: Int) async throws {
        let server = try await SMTPPeer.start()
        let harness = try Self.harness(server.port, #""timeout":"1s""#, attempts: attempts)
        try await harness.run {
            harness.source.send(["answer never", "second"].map { ByteBuffer(string: $0) })
            try await eventually(within: .seconds(30), "the second has arrived, not \(harness.log.errors)") {
                try server.mails.last?.text == "second\n"
            }
        }
        #expect(try server.mails.count == copies + 1)
        #expect(harness.deadLetters.count == 1)
        let letter = String(buffer: harness.deadLetters.deliveries[0].event.json)
        #expect(letter.contains("does not accept this mail within timeout") && letter.contains("raise timeout"), "\(letter)")
    }

    /// Why a sink does not work; the event is kept.
    private static func expect(_ reason: String, _ port: Int, _ settings: String) async throws {
        let harness = try Self.harness(port, settings, attempts: 1, drain: Self.short)
        try await harness.run {
            harness.source.send(Self.event("hello"))
            try await eventually("the error contains \(reason), not \(harness.log.errors)") {
                harness.log.errors.contains { $0.contains(reason) }
            }
            #expect(harness.bridge.pending == 1)
        }
        #expect(harness.deadLetters.count == 0)
    }

    @Test func `a login that is not offered, or is missing, is named with the remedy`() async throws {
        let open = try await SMTPPeer.start()
        try await Self.expect(
            "the server offers no login; remove user and password, or use port 587", open.port,
            #""user":"ann","password":"right","starttls":"off""#)
        #expect(try open.mails.isEmpty)
        var options = SMTPPeer.Options()
        options.needsLogin = true
        let closed = try await SMTPPeer.start(options)
        try await Self.expect("requires a login: 530 5.7.0 Authentication required; set user and password", closed.port, "")
        #expect(try closed.mails.isEmpty)
    }

    @Test func `the wrong scheme is named with the right one`() async throws {
        let open = try await SMTPPeer.start()
        try await Self.expect(
            "the port does not speak TLS; write smtp:// or another port", open.port, #""url":"smtps://localhost:\#(open.port)""#)
        let certificates = try await Certificates.make()
        var options = SMTPPeer.Options()
        options.certificate = (certificates.server, certificates.serverKey)
        options.isTLSFirst = true
        let secure = try await SMTPPeer.start(options)
        try await Self.expect(
            "if the port has TLS from the start, as 465 has, write smtps://", secure.port, #""timeout":"1s""#)
        #expect(try open.mails.isEmpty && secure.mails.isEmpty)
    }

    @Test func `stopping while a server is silent ends in time`() async throws {
        let silent = try await SMTPPeer.start()
        let proxy = try TCPProxy(server: silent.port)
        proxy.silence()
        let harness = try Self.harness(proxy.port, #""timeout":"1s""#, drain: Self.short)
        let (_, stopping, _) = try await harness.run {
            harness.source.send(Self.event("hello"))
            try await eventually("the time-out is reported, not \(harness.log.errors)") { !harness.log.errors.isEmpty }
        }
        #expect(harness.deadLetters.count == 0 && stopping < .seconds(4))
    }

    // MARK: Settings

    @Test(arguments: [
        (#""url":"http://h""#, "unsupported scheme 'http'; write smtp://host:587 or smtps://host"),
        (#""url":"h:25""#, "'h:25' has no scheme; write smtp://"),
        (#""url":"smtp://u:p@h""#, "must not contain a user or password; set user and password"),
        (#""url":"smtp://h/x""#, "must end after the port"),
        (#""url":"smtp://h:0""#, "'h:0' is not a host with a port from 1 to 65535"),
        (#""user":"a""#, "a user needs a password; set password"), (#""password":"a""#, "a password needs a user; set user"),
        (#""url":"smtps://h","starttls":"off""#, "applies to smtp:// only; smtps:// has TLS from the start"),
        (#""from":"x""#, "'x' is not a mail address; write one such as doors@example.org"),
        (#""to":"x y@z""#, "'x y@z' is not a mail address"),
        (#""to":"{{ .payload.to }}""#, "'{{' is allowed only before the @, so that no event can choose the domain"),
        (#""to":"a@{{ .payload.to }}.org""#, "'{{' is allowed only before the @"),
        (#""headers":{"Bcc":"a@b"}"#, "Bcc is set automatically; leave it out"),
        (#""headers":{"X: y":"a"}"#, "'X: y' is not the name of a header"),
        (#""tls":{"cert_file":"a"}"#, "cert_file and key_file belong together"),
        (#""to":[\#((0..<51).map { "\"\($0)@x\"" }.joined(separator: ","))]"#, "names 51 receivers; a mail has at most 50"),
    ])
    func `settings that mean nothing are refused with the reason`(settings: String, reason: String) {
        let error = #expect(throws: SettingError.self) { try Self.configuration(1, settings) }
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test func `ports follow from the scheme, and credentials without TLS are a warning`() throws {
        #expect(SMTPURL("smtp://h")?.text == "smtp://h:587" && SMTPURL("smtps://[::1]")?.text == "smtps://[::1]:465")
        let login = #""user":"a","password":"b""#
        #expect(try Self.configuration(1, login).security == .required)
        #expect(try Self.configuration(1, login).warnings.isEmpty)
        #expect(try Self.configuration(1, "").security == .offered)
        let open = try Self.configuration(1, login + #","starttls":"offered""#)
        #expect(
            open.warnings.first?.message == "user and password may be sent without TLS; write starttls: required, or use smtps://"
        )
    }
}
