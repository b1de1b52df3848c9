import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import MQTTAdapter

@Suite(.timeLimit(.minutes(2)))
struct MQTTSecurityTests {
    @Test(arguments: ["3.1.1", "5"])
    func `user and password are checked by the broker`(version: String) async throws {
        let directory = try TemporaryDirectory()
        let file = directory.file("passwords")
        let made = try ChildProcess("mosquitto_passwd", ["-b", "-c", file, "me", "right"])
        #expect(try await made.untilEnded() == .exited(0))
        let broker = try await BrokerProcess.mosquitto("allow_anonymous false", "password_file \(file)")
        func rig(_ password: String) throws -> MQTTRig {
            try MQTTRig(
                source: """
                    {"url": "mqtt://127.0.0.1:\(broker.port)", "user": "me", "password": "\(password)", "protocol": "\(version)",
                     "subscribe": "a"}
                    """, into: RecordingSink())
        }
        let wrong = try rig("wrong")
        try await wrong.run {
            try await eventually { !wrong.errors.isEmpty }
            let error = try #require(wrong.errors.first)
            #expect(error.hasPrefix("mqtt://127.0.0.1:\(broker.port) does not authorise us to connect"))
            #expect(!error.contains("wrong"))
        }
        let right = try rig("right")
        try await right.run { try await eventually { right.source.status.isConnected } }
    }

    @Test func `TLS works in both directions, with a client certificate`() async throws {
        let certificates = try await Certificates.make()
        let broker = try await certificates.broker("require_certificate true")
        let recorder = RecordingSink()
        let connection = """
            "url": "mqtts://localhost:\(broker.port)", "tls": {"ca_file": "\(certificates.authority)",
             "cert_file": "\(certificates.client)", "key_file": "\(certificates.clientKey)"}
            """
        let source = try MQTTRig(source: #"{\#(connection), "subscribe": "a"}"#, into: recorder)
        let script = ScriptedSource()
        let sink = try MQTTRig(script: script, sink: #"{\#(connection), "topic": "a", "format": "raw"}"#)
        let bodies = (0..<300).map { index in
            index == 150 ? ByteBuffer(repeating: 0x62, count: 1 << 20) : ByteBuffer(string: "message \(index)")
        }
        try await source.run {
            try await sink.run {
                try await eventually { source.source.status.isConnected && sink.sink.status.isConnected && script.outlet != nil }
                script.send(bodies)
                try await eventually("300 events, not \(recorder.count)") { recorder.count == bodies.count }
            }
        }
        #expect(recorder.bodies == bodies)
    }

    @Test(
        arguments: [
            (#"{"ca_file": "{other}"}"#, "certificate verify failed"),
            (#"{"ca_file": "/nowhere.pem"}"#, "No such file or directory"),
        ]
    )
    func `a broker that cannot be trusted is reported with the reason`(tls: String, message: String) async throws {
        let certificates = try await Certificates.make()
        let other = try await Certificates.make()
        let broker = try await certificates.broker()
        let rig = try MQTTRig(
            source: """
                {"url": "mqtts://localhost:\(broker.port)", "tls": \(tls.replacing("{other}", with: other.authority)), "subscribe": "a"}
                """, into: RecordingSink())
        try await rig.run {
            try await eventually { !rig.errors.isEmpty }
            let error = try #require(rig.errors.first)
            #expect(error.contains("mqtts://localhost:\(broker.port)"), "\(error)")
            #expect(error.contains(message), "\(error)")
        }
    }

    /// A wrong file of `tls:`, and the message about it; `{…}` is a file of the test.
    private static let mistakes: [(tls: String, message: String)] = [
        (
            #"{"cert_file": "{client.pem}", "key_file": "{server.key}"}"#,
            "tls.key_file: the key in {server.key} does not belong to the certificate in {client.pem}; set tls.key_file"
        ),
        (
            #"{"cert_file": "{client.pem}", "key_file": "{rsa.key}"}"#,
            "tls.key_file: the key in {rsa.key} does not belong to the certificate in {client.pem}; set tls.key_file"
        ),
        (
            #"{"cert_file": "{client.pem}", "key_file": "{protected.key}"}"#,
            "tls.key_file: {protected.key} is protected by a passphrase; remove it with openssl pkey -in {protected.key}"
        ),
        (
            #"{"cert_file": "{client.pem}", "key_file": "{client.pem}"}"#,
            "tls.key_file: {client.pem} holds a certificate and no private key; it must hold a private key in PEM"
        ),
        (#"{"cert_file": "{client.pem}", "key_file": "{junk}"}"#, "tls.key_file: {junk} holds no private key; it must hold"),
        (#"{"cert_file": "{client.pem}", "key_file": "{empty}"}"#, "tls.key_file: {empty} is empty; it must hold"),
        (
            #"{"cert_file": "{client.pem}", "key_file": "{damaged.key}"}"#,
            "tls.key_file: {damaged.key} holds a damaged key; copy it again"
        ),
        (
            #"{"cert_file": "{junk}", "key_file": "{client.key}"}"#,
            "tls.cert_file: {junk} holds no certificate; it must hold a certificate in PEM (-----BEGIN CERTIFICATE-----)"
        ),
        (
            #"{"cert_file": "{client.key}", "key_file": "{client.key}"}"#,
            "tls.cert_file: {client.key} holds a key and no certificate; it must hold a certificate in PEM"
        ),
        (
            #"{"cert_file": "{client.der}", "key_file": "{client.key}"}"#,
            "tls.cert_file: {client.der} is not PEM; convert it with openssl x509 -inform DER -in {client.der}"
        ),
        (
            #"{"cert_file": "{damaged.pem}", "key_file": "{client.key}"}"#,
            "tls.cert_file: {damaged.pem} holds a damaged certificate; copy it again"
        ),
        (#"{"ca_file": "{junk}"}"#, "tls.ca_file: {junk} holds no certificate; it must hold a certificate in PEM"),
        (#"{"ca_file": "{empty}"}"#, "tls.ca_file: {empty} is empty; it must hold"),
        (#"{"ca_file": "{nowhere}"}"#, "tls.ca_file: {nowhere} cannot be read: No such file or directory; put it there"),
        (#"{"ca_file": "{client.pem}"}"#, "the broker's certificate is not signed by the authority in {client.pem}; set"),
        (
            #"{"ca_file": "{ca.pem}"}"#,
            "the broker requires a client certificate; set tls.cert_file and tls.key_file"
        ),
        (
            #"{"ca_file": "{ca.pem}", "cert_file": "{stranger.pem}", "key_file": "{client.key}"}"#,
            "the broker rejected the certificate in {stranger.pem}"
        ),
    ]

    @Test func `an error in a TLS file names the file and the remedy`() async throws {
        let certificates = try await Certificates.make()
        try await certificates.makeMistakes()
        let broker = try await certificates.broker("require_certificate true")
        for (tls, message) in Self.mistakes {
            let expected = certificates.named(message)
            let rig = try MQTTRig(
                source:
                    #"{"url": "mqtts://localhost:\#(broker.port)", "subscribe": "a", "tls": \#(certificates.named(tls))}"#,
                into: RecordingSink())
            try await rig.run {
                try await eventually("\(expected), not \(rig.errors)") { rig.errors.contains { $0.contains(expected) } }
                let error = try #require(rig.errors.first { $0.contains(expected) })
                #expect(error.hasPrefix("TLS with mqtts://localhost:\(broker.port) failed: "), "\(error)")
            }
        }
    }

    @Test func `a closed port is reported at once, with TLS as without`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        try await broker.kill()
        let rig = try MQTTRig(source: #"{"url": "mqtts://localhost:\#(broker.port)", "subscribe": "a"}"#, into: RecordingSink())
        try await rig.run {
            try await eventually { !rig.errors.isEmpty }
            #expect(
                rig.errors.first
                    == "mqtts://localhost:\(broker.port) cannot be reached: Connection refused; check host and port, and that the server runs"
            )
        }
    }

    @Test func `a port without TLS, and one with it, are reported as such`() async throws {
        let certificates = try await Certificates.make()
        let (plain, secure) = (try await BrokerProcess.mosquitto(), try await certificates.broker())
        let one = try MQTTRig(source: #"{"url": "mqtts://127.0.0.1:\#(plain.port)", "subscribe": "a"}"#, into: RecordingSink())
        try await one.run {
            try await eventually { !one.errors.isEmpty }
            let error = try #require(one.errors.first)
            #expect(error.hasPrefix("TLS with mqtts://127.0.0.1:\(plain.port) failed: "), "\(error)")
            #expect(error.hasSuffix("; write mqtt:// or another port"), "\(error)")
        }
        let other = try MQTTRig(source: #"{"url": "mqtt://127.0.0.1:\#(secure.port)", "subscribe": "a"}"#, into: RecordingSink())
        try await other.run {
            try await eventually { !other.errors.isEmpty }
            let error = try #require(other.errors.first)
            #expect(
                error.contains("it speaks TLS") || error.contains("closed the connection") || error.contains("was lost"),
                "\(error)")
        }
    }

    @Test func `a certificate for another name is refused, unless insecure is written`() async throws {
        let certificates = try await Certificates.make()
        let broker = try await certificates.broker()
        func rig(_ isInsecure: Bool) throws -> MQTTRig {
            try MQTTRig(
                source: """
                    {"url": "mqtts://127.0.0.1:\(broker.port)", "subscribe": "a",
                     "tls": {"ca_file": "\(certificates.authority)", "insecure": \(isInsecure)}}
                    """, into: RecordingSink())
        }
        let strict = try rig(false)
        try await strict.run {
            try await eventually { !strict.errors.isEmpty }
            #expect(strict.errors.first?.contains("TLS with mqtts://127.0.0.1:\(broker.port) failed: ") == true)
        }
        let insecure = try rig(true)
        try await insecure.run { try await eventually { insecure.source.status.isConnected } }
    }
}
