import BridgeCore
import Testing

@testable import MQTTAdapter

struct MQTTAddressTests {
    @Test(
        arguments: [
            ("mqtt://broker", "broker", 1883, false), ("mqtts://broker", "broker", 8883, true),
            ("mqtt://broker:1", "broker", 1, false), ("mqtt://10.0.0.1:65535/", "10.0.0.1", 65_535, false),
            ("mqtt://[fd00::1]", "fd00::1", 1883, false), ("mqtts://[fd00::1]:99", "fd00::1", 99, true),
        ]
    )
    func `host and port are read`(text: String, host: String, port: Int, isSecure: Bool) throws {
        let address = try MQTTAddress(parsing: text)
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.isSecure == isSecure)
        #expect(address.user == nil)
    }

    @Test func `credentials are percent-decoded and never printed`() throws {
        let address = try MQTTAddress(parsing: "mqtt://jo%40home:p%3Aw@ss@broker:77")
        #expect(address.user == "jo@home")
        #expect(address.password == Secret("p:w@ss"))
        #expect(address.description == "mqtt://broker:77")
        #expect(!"\(address)".contains("ss"))
    }

    @Test func `an IPv6 address is printed in brackets`() throws {
        #expect(try MQTTAddress(parsing: "mqtts://[fd00::1]").description == "mqtts://[fd00::1]:8883")
    }

    @Test(
        arguments: [
            ("broker", "this is not a URL; write mqtt://host, mqtt://host:1883 or mqtts://host:8883"),
            (
                "ws://broker",
                "MQTT over WebSocket is not supported; write mqtt:// or mqtts:// and the broker's port for them, such as 1883"
            ),
            (
                "mqtt://u:p@ss/word@host",
                "'/' in the user or password is written %2F; or set user and password under their own keys"
            ),
            ("mqtt://u:p#1@host", "'#' in the user or password is written %23; or set user and password under their own keys"),
            ("mqtt://broker/topic", "an MQTT URL ends after the port; write topics under their own keys"),
            ("mqtt://", "the URL names no host"),
            ("mqtt://:1883", "the URL names no host"),
            ("mqtt://broker:0", "'0' is not a port; 1 to 65535 is allowed"),
            ("mqtt://broker:65536", "'65536' is not a port; 1 to 65535 is allowed"),
            ("mqtt://[fd00::1", "the IPv6 address lacks its ']'"),
            (
                "mqtt://a:secret%zz@broker",
                "a '%' in the user or password is not followed by two hexadecimal digits; write %25 for the sign"
            ),
        ]
    )
    func `an invalid address is refused with the reason`(text: String, message: String) {
        let error = #expect(throws: MQTTTextError.self) { try MQTTAddress(parsing: text) }
        #expect(error?.description == message)
    }

    @Test func `a combining mark after a delimiter is refused without quoting the password`() {
        let error = #expect(throws: MQTTTextError.self) { try MQTTAddress(parsing: "mqtt://u:Zq7xSecret@\u{33D}host") }
        #expect("\(String(describing: error))".contains("combining mark"))
        #expect(!"\(String(describing: error))".contains("Secret"))
    }
}
