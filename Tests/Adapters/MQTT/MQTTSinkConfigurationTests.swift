import BridgeCore
import Testing

@testable import MQTTAdapter

struct MQTTSinkConfigurationTests {
    @Test func `only the topic is required`() throws {
        let configuration = try settings(MQTTSink.Configuration.self, #"{"url": "mqtt://broker", "topic": "bridge/out"}"#)
        try configuration.validate()
        #expect(configuration.topic.template.constant == "bridge/out")
        #expect(configuration.qos == 1)
        #expect(configuration.format == .json)
        #expect(configuration.window == 100)
        #expect(configuration.properties.templates.isEmpty)
        guard case .always(false) = configuration.retain else {
            Issue.record("retain is \(configuration.retain)")
            return
        }
    }

    @Test func `a body sets the format to template`() throws {
        let configuration = try settings(
            MQTTSink.Configuration.self,
            #"{"url": "mqtt://b", "topic": "a", "body": "{{ .title }}", "retain": "{{ .priority }}"}"#
        )
        #expect(configuration.format == .template)
        guard case .when(let template) = configuration.retain else {
            Issue.record("retain is \(configuration.retain)")
            return
        }
        #expect(template.text == "{{ .priority }}")
    }

    @Test(arguments: [#""body": "x""#, #""format": "raw""#, #""format": "template""#])
    func `body, json and format exclude each other`(other: String) {
        #expect(
            complaint(MQTTSink.Configuration.self, #"{"url": "mqtt://b", "topic": "a", "json": {}, \#(other)}"#)
                == "json: json, body and format exclude each other; json is the whole body")
    }

    @Test func `a template within a JSON string of the body draws a warning`() throws {
        let warned = try settings(
            MQTTSink.Configuration.self, #"{"url": "mqtt://b", "topic": "a", "body": "{\"a\": \"{{ .message }}\"}"}"#)
        #expect(
            warned.warnings.map(\.description) == [
                "body: {{ .message }} is within a JSON string, so a quote or a line break in an event breaks the JSON; write json: with"
                    + " members instead of body:, or {{ … | tojson }} without quotes around it"
            ])
        let silent = try settings(
            MQTTSink.Configuration.self, #"{"url": "mqtt://b", "topic": "a", "json": {"a": "{{ .message }}"}}"#)
        #expect(silent.warnings.isEmpty)
    }

    @Test func `a route cannot override the connection`() {
        let perRoute = Set(MQTTSink.Configuration.settings.declarations.filter(\.isPerRoute).map(\.name))
        #expect(perRoute.isDisjoint(with: MQTTConnectionSettings.settings.declarations.map(\.name)))
        #expect(perRoute.isSuperset(of: MQTTPropertySettings.settings.declarations.map(\.name)))
    }

    @Test(
        arguments: [
            (#""topic": """#, "topic: a topic has at least one character"),
            (#""topic": "a/+""#, "topic: '+' is a wildcard, which a topic to publish to cannot contain; leave it out"),
            (
                #""topic": "a/#/{{ .title }}""#,
                "topic: '#' is a wildcard, which a topic to publish to cannot contain; leave it out"
            ),
            (
                #""topic": "{{ $subject }}""#,
                "topic: the topic begins with a value of the event, so an event could choose any topic; begin it with fixed text such as"
                    + " bridge/, or write any_topic: true"
            ),
            (#""topic": "a", "format": "template""#, "format: format: template needs a body"),
            (
                #""topic": "a", "format": "raw", "body": "x""#,
                "body: a body is used with format: template only; leave one of the two out"
            ),
            (#""topic": "a", "format": "xml""#, "format: 'xml' is not one of json, raw, template"),
            (
                #""topic": "a", "session_expiry": "1h""#,
                "session_expiry: a sink keeps no session, because it sends unconfirmed events again; leave it out"
            ),
            (
                #""topic": "a", "protocol": "3.1.1", "user_properties": {"a": "b"}"#,
                "user_properties: user_properties needs protocol: 5"
            ),
            (#""topic": "a", "protocol": "3.1.1", "content_type": "a/b""#, "content_type: content_type needs protocol: 5"),
            (
                #""topic": "a", "protocol": "3.1.1", "message_expiry": "1h", "content_type": "a/b", "user_properties": {"a": "b"}"#,
                "user_properties: user_properties, content_type, message_expiry need protocol: 5"
            ),
            (#""topic": "$share/g/x""#, "topic: topics that begin with $share/ are reserved for the broker; choose another one"),
            (
                #""topic": "$SYS/{{ .title }}""#,
                "topic: topics that begin with $SYS/ are reserved for the broker; choose another one"
            ),
            (#""topic": "a\nb""#, "topic: a topic must not contain control characters"),
            (
                #""topic": "a", "retain": "yes""#,
                "retain: 'yes' is not one of true, false, as_published, or a template such as {{ .payload.keep }}"
            ),
            (
                #""topic": "a", "client_id": "\#(String(repeating: "x", count: 70_000))""#,
                "client_id: a client id has at most 65535 bytes, and no control characters"
            ),
            (#""topic": "a", "protocol": "3.1.1", "message_expiry": "1h""#, "message_expiry: message_expiry needs protocol: 5"),
            (
                #""topic": "a", "response_topic": "a/#""#,
                "response_topic: 'a/#' is not a topic; write one without '+' and '#'"
            ),
            (
                #""topic": "a", "message_expiry": "0s""#,
                "message_expiry: a message can expire after 1s or more; leave the key out for never"
            ),
            (#""topic": "a", "message_expiry": "1500ms""#, "message_expiry: MQTT counts in whole seconds; write 2s"),
            (#""topic": "a", "in_flight": 0"#, "in_flight: 0 is out of range; 1 to 65535 is allowed"),
            (
                #""topic": "a", "qos": 2"#,
                "qos: qos 2 is not supported, because its acknowledgement cannot wait until an event is safe; write 1, which loses nothing"
                    + " and may deliver twice"
            ),
        ]
    )
    func `a mistake is refused with the remedy`(rest: String, message: String) {
        #expect(complaint(MQTTSink.Configuration.self, #"{"url": "mqtt://b", \#(rest)}"#) == message)
    }

    @Test(arguments: ["{{ $subject }}", "a/{{ .title | sub(\"[+]\"; \"#\") }}"])
    func `allowed values pass`(topic: String) throws {
        let json = #"{"url": "mqtt://b", "topic": "\#(topic.replacing("\"", with: "\\\""))", "any_topic": true}"#
        // The second is jq, which only the program can compile.
        #expect(complaint(MQTTSink.Configuration.self, json).map { !$0.contains("wildcard") } ?? true)
    }
}
