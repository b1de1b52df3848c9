import BridgeCore
import Mosquitto
import Testing

@testable import MQTTAdapter

struct MQTTSourceConfigurationTests {
    private func read(_ json: String) throws -> MQTTSource.Configuration {
        let configuration = try settings(MQTTSource.Configuration.self, json)
        try configuration.validate()
        return configuration
    }

    @Test func `only a filter is required`() throws {
        let configuration = try self.read(#"{"url": "mqtt://broker", "subscribe": "zigbee2mqtt/#"}"#)
        #expect(configuration.connection.address.description == "mqtt://broker:1883")
        #expect(configuration.connection.version == .five)
        #expect(configuration.connection.keepAlive == .seconds(30))
        #expect(configuration.connection.clientID == nil)
        #expect(configuration.subscriptions.map(\.wireFilter) == ["zigbee2mqtt/#"])
        #expect(configuration.subscriptions[0].qos == 1)
        #expect(configuration.subscriptions[0].retained == .accept)
        #expect(configuration.sessionExpiry == .seconds(3600))
        #expect(configuration.exclusiveResources.isEmpty)
    }

    @Test func `filters that differ in their bytes only are different filters`() throws {
        let configuration = try self.read(#"{"url": "mqtt://broker", "subscribe": ["\#u{E9}/a", "e\#u{301}/a"]}"#)
        #expect(
            configuration.subscriptions.map { Array($0.wireFilter.utf8) } == [Array("\u{E9}/a".utf8), Array("e\u{301}/a".utf8)])
    }

    @Test func `filters are texts and mappings, mixed`() throws {
        let configuration = try self.read(
            """
            {"url": "mqtts://me:pw@broker", "client_id": "c", "protocol": "5", "keep_alive": "1m", "session_expiry": "7d",
             "tls": {"ca_file": "/ca.pem", "cert_file": "/c.pem", "key_file": "/k.pem", "insecure": true},
             "will": {"topic": "bridge/state", "payload": "offline"},
             "birth": {"topic": "bridge/state", "payload": "online", "qos": 0, "retain": false},
             "subscribe": ["a/+", {"topic": "b/#", "qos": 0, "share": "group", "retained": "ignore"},
                           {"topic": "c", "retained": "first_time"}], "no_local": false}
            """
        )
        #expect(configuration.subscriptions.map(\.wireFilter) == ["a/+", "$share/group/b/#", "c"])
        #expect(configuration.subscriptions.map(\.qos) == [1, 0, 1])
        #expect(configuration.subscriptions.map { $0.options(noLocal: true) } == [0x04, 0x20, 0x14])
        #expect(configuration.sessionExpiry == .seconds(7 * 86_400))
        #expect(configuration.noLocal == false)
        #expect(configuration.connection.user == "me")
        #expect(configuration.connection.password == Secret("pw"))
        #expect(configuration.connection.tls?.isInsecure == true)
        #expect(configuration.connection.will?.isRetained == true)
        #expect(configuration.connection.birth?.isRetained == false)
        #expect(configuration.exclusiveResources == [Resource("client id", "c at mqtts://broker:8883")])
    }

    @Test func `only qos 0 needs no session`() throws {
        let configuration = try self.read(#"{"url": "mqtt://b", "subscribe": {"topic": "a", "qos": 0}}"#)
        #expect(configuration.sessionExpiry == .zero)
        #expect(!configuration.wantsSession)
    }

    @Test(
        arguments: [
            (#""subscribe": []"#, "subscribe: at least one topic filter is needed, such as zigbee2mqtt/#"),
            (#""subscribe": ["a", {"topic": "a", "qos": 0}]"#, "subscribe: a is subscribed to twice"),
            (
                #""subscribe": {"topic": "a", "qos": 2}"#,
                "subscribe.qos: qos 2 is not supported, because its acknowledgement cannot wait until an event is safe; write 1, which"
                    + " loses nothing and may deliver twice"
            ),
            (#""subscribe": {"topic": "a", "qos": 3}"#, "subscribe.qos: 3 is not a quality of service; write 0 or 1"),
            (#""subscribe": {"topic": "a#"}"#, "subscribe.topic: 'a#': '#' must be the whole last level"),
            (#""subscribe": "a#""#, "subscribe: 'a#': '#' must be the whole last level"),
            (
                #""subscribe": {"topic": "a", "share": "x/y"}"#,
                "subscribe.share: a group name must not be empty or contain '/', '+' or '#'"
            ),
            (
                #""subscribe": {"topic": "a", "retained": "no"}"#,
                "subscribe.retained: 'no' is not one of accept, ignore, first_time"
            ),
            (
                #""subscribe": {"topic": "a", "retain": "ignore"}"#,
                "subscribe.retain: retained messages are handled by retained: ignore; retain is stored or"
                    + " as_published"
            ),
            (
                #""subscribe": ["a/#", {"topic": "a/b", "share": "g"}]"#,
                "subscribe: a/# and $share/g/a/b overlap, so messages would arrive twice; a shared subscription that overlaps another needs"
                    + " a source of its own"
            ),
            (
                #""subscribe": [{"topic": "+/b", "share": "g"}, {"topic": "a/+", "share": "h"}]"#,
                "subscribe: $share/g/+/b and $share/h/a/+ overlap, so messages would arrive twice; a shared subscription that overlaps another"
                    + " needs a source of its own"
            ),
            (#""subscribe": "a", "protocol": "3.1.1", "no_local": true"#, "no_local: no_local needs protocol: 5"),
            (#""subscribe": "a", "protocol": "4""#, "protocol: '4' is not one of 3.1.1, 5"),
            (
                #""subscribe": "a", "tls": {"ca_file": "/x"}"#,
                "tls: tls applies to mqtts:// only; the url is mqtt://b:1883"
            ),
            (
                #""subscribe": "a", "tls": {"cert_file": "/x"}"#,
                "tls: cert_file and key_file belong together; set both or neither"
            ),
            (
                #""subscribe": "a", "tls": {"ca": "/x"}"#,
                "tls.ca: unknown key 'ca'; did you mean 'ca_file'?"
            ),
            (#""subscribe": {"topik": "a"}"#, "subscribe.topik: unknown key 'topik'; did you mean 'topic'?"),
            (#""subscribe": "a", "password": "x""#, "password: a password needs a user; set user"),
            (
                #""subscribe": "a", "client_id": """#,
                "client_id: a client id has at least one character; leave the key out for a generated one"
            ),
            (#""subscribe": "a", "keep_alive": "1s""#, "keep_alive: 1 s is out of range; 5s to 18h is allowed, or 0s for none"),
            (#""subscribe": "a", "keep_alive": "500ms""#, "keep_alive: MQTT counts in whole seconds; write 1s"),
            (#""subscribe": "a", "keep_alive": "10.5s""#, "keep_alive: MQTT counts in whole seconds; write 11s"),
            (#""subscribe": "a", "session_expiry": "500ms""#, "session_expiry: MQTT counts in whole seconds; write 1s"),
            (
                #""subscribe": {"topic": "a", "retain": "yes"}"#, "subscribe.retain: 'yes' is not one of stored, as_published"
            ),
            (
                #""subscribe": {"topic": "a", "retain": "as_published"}, "protocol": "3.1.1""#,
                "subscribe: retain: as_published needs protocol: 5, at a"
            ),
            (
                ##""subscribe": ["a/#", {"topic": "a/b", "retain": "as_published"}]"##,
                "subscribe: a/# and a/b overlap; write retain: as_published at both or at neither"
            ),
            (
                #""subscribe": {"topic": "a", "retain": "as_published", "retained": "first_time"}"#,
                "subscribe.retained: retained: first_time cannot distinguish stored messages from new ones with retain: as_published; write"
                    + " accept or ignore"
            ),
            (
                #""subscribe": "a", "will": {"topic": "a/#"}"#,
                "will.topic: 'a/#' is not a topic; write one without '+', '#' and control characters"
            ),
            (
                #""subscribe": "a", "birth": {"topic": "a\nb"}"#,
                "birth.topic: 'a b' is not a topic; write one without '+', '#' and control characters"
            ),
        ]
    )
    func `a mistake is refused with the remedy`(rest: String, message: String) {
        #expect(complaint(MQTTSource.Configuration.self, #"{"url": "mqtt://b", \#(rest)}"#) == message)
    }

    @Test(arguments: ["3.1.1", "5"])
    func `an acknowledgement that waits needs a session`(version: String) throws {
        let json = #"{"url": "mqtt://b", "protocol": "\#(version)", "subscribe": "a", "session_expiry": "0s"}"#
        let configuration = try self.read(json)
        #expect(configuration.acknowledgeConflict(with: .received) == nil)
        for policy in [AcknowledgePolicy.logged, .delivered] {
            #expect(
                configuration.acknowledgeConflict(with: policy)?.description
                    == "session_expiry: ack: \(policy.rawValue) at qos 1 needs a session that outlives a lost connection; write 1m or more,"
                    + " qos: 0 at every topic, or ack: received"
            )
        }
        let sound = ["3.1.1", "5"].flatMap { version in
            [#""a""#, #"{"topic": "a", "qos": 0}"#, #"{"topic": "a", "qos": 0, "retained": "first_time"}"#].map {
                #"{"url": "mqtt://b", "protocol": "\#(version)", "subscribe": \#($0)}"#
            }
        }
        for json in sound { #expect(try self.read(json).acknowledgeConflict(with: .delivered) == nil) }
    }

    @Test func `a bad url is refused under its key`() {
        #expect(
            complaint(MQTTSource.Configuration.self, #"{"url": "b:1883", "subscribe": "a"}"#)
                == "url: this is not a URL; write mqtt://host, mqtt://host:1883 or mqtts://host:8883"
        )
    }
}
