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
            try await eventually { wrong.source.status.lastError != nil }
            let error = try #require(wrong.source.status.lastError)
            #expect(error.hasPrefix("mqtt://127.0.0.1:\(broker.port) does not authorise us to connect"))
            #expect(!error.contains("wrong"))
        }
        let right = try rig("right")
        try await right.run { try await eventually { right.source.status.isConnected } }
    }

    @Test func `TLS is spoken both ways, with a certificate of our own`() async throws {
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
    func `a broker that cannot be trusted is told with the reason`(tls: String, message: String) async throws {
        let certificates = try await Certificates.make()
        let other = try await Certificates.make()
        let broker = try await certificates.broker()
        let rig = try MQTTRig(
            source: """
                {"url": "mqtts://localhost:\(broker.port)", "tls": \(tls.replacing("{other}", with: other.authority)), "subscribe": "a"}
                """, into: RecordingSink())
        try await rig.run {
            try await eventually { rig.source.status.lastError != nil }
            let error = try #require(rig.source.status.lastError)
            #expect(error.contains("mqtts://localhost:\(broker.port)"), "\(error)")
            #expect(error.contains(message), "\(error)")
        }
    }

    @Test func `a closed port is told at once, with TLS as without`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        try await broker.kill()
        let rig = try MQTTRig(source: #"{"url": "mqtts://localhost:\#(broker.port)", "subscribe": "a"}"#, into: RecordingSink())
        try await rig.run {
            try await eventually(within: .seconds(5)) { rig.source.status.lastError != nil }
            #expect(
                rig.source.status.lastError
                    == "mqtts://localhost:\(broker.port) cannot be reached: connecting: Connection refused"
            )
        }
    }

    @Test func `a port that does not speak TLS, and one that does, are told for what they are`() async throws {
        let certificates = try await Certificates.make()
        let (plain, secure) = (try await BrokerProcess.mosquitto(), try await certificates.broker())
        let one = try MQTTRig(source: #"{"url": "mqtts://127.0.0.1:\#(plain.port)", "subscribe": "a"}"#, into: RecordingSink())
        try await one.run {
            try await eventually(within: .seconds(5)) { one.source.status.lastError != nil }
            #expect(one.source.status.lastError?.hasPrefix("no TLS with mqtts://127.0.0.1:\(plain.port): ") == true)
        }
        let other = try MQTTRig(source: #"{"url": "mqtt://127.0.0.1:\#(secure.port)", "subscribe": "a"}"#, into: RecordingSink())
        try await other.run {
            try await eventually(within: .seconds(5)) { other.source.status.lastError != nil }
            let error = try #require(other.source.status.lastError)
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
            try await eventually { strict.source.status.lastError != nil }
            #expect(strict.source.status.lastError?.contains("no TLS with mqtts://127.0.0.1:\(broker.port)") == true)
        }
        let insecure = try rig(true)
        try await insecure.run { try await eventually { insecure.source.status.isConnected } }
    }
}
