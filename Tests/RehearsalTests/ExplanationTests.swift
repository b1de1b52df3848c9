import BridgeConfiguration
import BridgeCore
import NIOCore
import Rehearsal
import Testing

/// `explain`: what a person reads about one message.
@Suite(.timeLimit(.minutes(1)))
struct ExplanationTests {
    private static let file = """
        sources:
          home:
            type: mqtt
            url: mqtt://localhost
            subscribe: "zigbee2mqtt/#"
            normalise:
              cases:
                - { match: { subject: "zigbee2mqtt/bridge/#" }, drop: true }
                - { match: { payload.battery: { lt: 20 } }, set: { title: "{{ $segments[1] }} needs a battery", priority: 4 } }
          hook: { type: webhook, id: demo, token: a-very-secret-token }
        sinks:
          phone: { type: webhook, url: https://ntfy.example/doors, token: a-very-secret-token, json: { title: "{{ .title }}" } }
          archive: { type: file, path: /dev/null, body: "{{ .message }}" }
        routes:
          - { name: urgent, match: { priority: { gte: 4 }, title: { contains: battery } }, to: phone, stop: true }
          - { name: jq, from: home, when: ".payload.linkquality > 100", to: archive }
          - { name: hooks, from: hook, throttle: { max: 1, per: 1m }, to: archive }
        """

    @Test func `the matching case and route, and what is sent, are shown`() throws {
        let fixture = try RehearsalFixture(Self.file)
        var lines = try fixture.explain(
            source: "home", [("topic", "zigbee2mqtt/door")], body: "{\"battery\":4,\"linkquality\":80}")
        #expect(lines.remove(at: lines.firstIndex { $0.hasPrefix("→ event ") }!).count > 10)
        lines.removeAll { $0.contains("Idempotency-Key") || $0.contains("streambridge-") }
        #expect(
            lines == [
                "source home", "  subject zigbee2mqtt/door", "  body 30 bytes", "    {\"battery\":4,\"linkquality\":80}",
                "  ✗ cases[0]: subject: \"zigbee2mqtt/bridge/#\": the event has \"zigbee2mqtt/door\"", "  ✓ cases[1]",
                "  title     door needs a battery", "  message   battery: 4, linkquality: 80", "  priority  4",
                "  timestamp 2026-01-01T12:00:00.000Z", "  payload   {\"battery\":4,\"linkquality\":80}",
                "  subject   zigbee2mqtt/door", "  attributes qos=1 retained=false", "routes", "  ✓ urgent → phone; stops",
                "  ✗ jq: not reached, because urgent stops", "  ✗ hooks: not reached, because urgent stops",
                "sink phone, webhook, by urgent", "  method: POST", "  url: https://ntfy.example/doors", "  headers:",
                "    User-Agent: streambridge", "    Authorization: \"***\"", "    Content-Type: application/json",
                "  body: {\"title\":\"door needs a battery\"}",
            ])
    }

    @Test func `the block that reads a message is shown, and why the others do not`() throws {
        let fixture = try RehearsalFixture(
            """
            sources:
              home:
                preset: [zigbee2mqtt, tasmota]
                url: mqtt://localhost
                normalise: [{ match: { subject: stat/pump/# }, decode: base64, title: Pump }]
            sinks: { archive: { type: file, path: /dev/null } }
            routes: [{ to: archive }]
            """)
        var lines = try fixture.explain(source: "home", [("topic", "tele/lamp/LWT")], body: "Offline")
        #expect(
            lines[2...7] == [
                "  body 7 bytes", "    Offline", "  ✗ normalise[0]: subject: \"stat/pump/#\": the event has \"tele/lamp/LWT\"",
                "  ✗ preset zigbee2mqtt: subject: \"zigbee2mqtt/#\": the event has \"tele/lamp/LWT\"", "  ✓ preset tasmota",
                "  ✓ preset tasmota cases[0]",
            ], "\(lines)")
        lines = try fixture.explain(source: "home", [("topic", "stat/pump/POWER")], body: "ON!")
        #expect(lines.contains("  ✗ normalise[0].decode: base64: the body is not base64"), "\(lines)")
        #expect(lines.contains("  ✓ normalise[0]") && lines.contains("  title     Pump"), "\(lines)")
    }

    @Test func `the condition that fails is shown with the value`() throws {
        let fixture = try RehearsalFixture(Self.file)
        let lines = try fixture.explain(
            source: "home", [("topic", "zigbee2mqtt/door")], body: "{\"battery\":40,\"linkquality\":80}")
        #expect(lines.contains("  ✗ cases[1]: payload.battery: { lt: 20 }: the event has 40"), "\(lines)")
        #expect(lines.contains("  no case matches; read automatically"), "\(lines)")
        #expect(lines.contains("  ✗ urgent: priority: { gte: 4 }: the event has none"), "\(lines)")
        #expect(lines.contains("  ✗ jq: when .payload.linkquality > 100: the result is false"), "\(lines)")
        #expect(lines.contains("  ✗ hooks: from hook"), "\(lines)")
        #expect(lines.suffix(2) == ["  no route takes it", "no sink gets it"], "\(lines)")
    }

    @Test func `a message that is no event says why`() throws {
        let fixture = try RehearsalFixture(Self.file)
        let lines = try fixture.explain(source: "home", [("topic", "zigbee2mqtt/bridge/state")], body: "online")
        #expect(lines.suffix(2) == ["  ✓ cases[0] drops it", "→ no event"], "\(lines)")
    }

    @Test func `what cannot be checked here is said`() throws {
        let fixture = try RehearsalFixture(Self.file)
        let lines = try fixture.explain(source: "hook", [("headers.X-Title", "Door")], body: "open")
        #expect(lines.prefix(2) == ["source hook", "  note: credentials are not checked here"], "\(lines)")
        #expect(lines.contains("  title     Door"), "\(lines)")
        #expect(lines.contains("  ✓ hooks → archive"), "\(lines)")
    }

    @Test func `a mistaken option is refused with the remedy`() throws {
        let fixture = try RehearsalFixture(Self.file)
        func mistake(_ source: String?, _ keys: [(name: String, value: String)]) -> String? {
            do {
                _ = try fixture.explanation(source: source, keys)
                return nil
            } catch let errors as ConfigurationErrors {
                return errors.diagnostics.map { "\($0.path): \($0.message)" }.joined(separator: "\n")
            } catch {
                return "\(error)"
            }
        }
        #expect(mistake(nil, []) == ": 'source' is missing; there are home, hook")
        #expect(mistake("hom", []) == "source: no source is called 'hom'; did you mean 'home'?")
        #expect(mistake("home", [("topc", "a")])?.contains("unknown key 'topc'; did you mean 'topic'?") == true)
        #expect(mistake("home", [("topic", "a"), ("qos", "7")]) == "qos: 7 is not a quality of service; write 0 or 1")
    }

    @Test func `the same is one JSON object for programs`() throws {
        let fixture = try RehearsalFixture(Self.file)
        let explanation = try fixture.explanation(source: "home", [("topic", "zigbee2mqtt/door")], body: "{\"battery\":4}")
        let json = try #require(PlainValue(json: ExplanationJSON.object(of: explanation, in: fixture.rehearsal)))
        #expect(json["source"]?.text == "home")
        guard case .list(let deliveries)? = json["deliveries"], case .list(let events)? = json["events"] else {
            Issue.record("no lists")
            return
        }
        #expect(deliveries.map { $0["sent"]?["body"]?["title"]?.text } == ["door needs a battery"])
        guard case .list(let routes)? = events.first?["routes"] else {
            Issue.record("no routes")
            return
        }
        #expect(routes.map { $0["verdict"]?.text } == ["takes", "stopped", "stopped"])
    }
}
