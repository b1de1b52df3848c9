import JSON
import NIOCore
import Testing

@testable import BridgeCore

/// What becomes of messages of programs and devices without any configuration.
struct AutoTests {
    private let now = Timestamp(milliseconds: 1_768_471_200_000)

    private func event(_ body: String, _ subject: String = "s", attributes: [Attributes.Element] = [], type: String? = nil)
        -> Event
    {
        self.outcome(body, subject, attributes: attributes, type: type).event
    }

    private func outcome(
        _ body: String, _ subject: String = "s", attributes: [Attributes.Element] = [], type: String? = nil
    ) -> Normaliser.Outcome {
        Normaliser(source: "in", settings: NormaliseSettings(), bridge: "bridge").event(
            from: ReceivedMessage(
                subject: subject, body: ByteBuffer(string: body), contentType: type, attributes: Attributes(attributes)),
            now: self.now)
    }

    @Test(
        arguments: [
            #"{"data":{"password":"LEAK"}}"#, #"{"state":{"token":"LEAK"}}"#, #"[{"password":"LEAK"}]"#,
            #"{"action":"created","data":{"session":{"id":5,"access_token":"LEAK"}}}"#, #"{"credentials":{"text":"LEAK"}}"#,
            #"{"specversion":"1.0","type":"t","source":"s","id":"1","data":{"a":{"jwt":"LEAK"}}}"#,
            #"{"a":{"id":1,"b":[{"c":{"secret":"LEAK"}}]}}"#,
        ])
    func `a secret is in no text of the event`(body: String) {
        let event = self.event(body)
        #expect(!event.message.contains("LEAK") && event.title?.contains("LEAK") != true, "\(event.message)")
        #expect(event.payload.map { String(buffer: $0).contains("LEAK") } == true)
    }

    @Test(
        arguments: [
            (#"{"state":"ON","level":40}"#, nil), (#"{"level":40,"msg":"slow","state":"ON"}"#, 4), (#"{"level":50}"#, 4),
            (#"{"smoke:0":{"alarm":true}}"#, 5), (#"{"smoke:0":{"alarm":false}}"#, nil), (#"{"errors":["overtemp"]}"#, 4),
            (#"{"errors":[]}"#, nil),
        ] as [(String, Int?)])
    func `a number beside a state is no level, and a component has its hazards`(body: String, priority: Int?) {
        #expect(self.event(body).priority == priority)
    }

    @Test(
        arguments: [
            ("zigbee2mqtt/hall_motion", "hall_motion"), ("zigbee2mqtt/desk_button/action", "desk_button"),
            ("zigbee2mqtt/bridge/state", "zigbee2mqtt bridge"), ("stat/pump/POWER", "pump POWER"), ("tele/pump/LWT", "pump"),
            ("esphome/greenhouse/binary_sensor/door/state", "greenhouse door"), ("frigate/available", "frigate"),
            ("homeassistant/status", "homeassistant"), ("home/kitchen/temperature", "home/kitchen/temperature"),
            ("zwave/hallway/thermostat/multilevel_sensor/endpoint_0/Air_temperature", "hallway thermostat Air_temperature"),
            ("orders:new", "orders:new"), ("a", "a"), ("/", "/"), ("state", "state"), ("tele/", "tele/"),
        ])
    func `the subject names the thing`(subject: String, name: String) {
        #expect(SubjectName.name(subject) == name)
    }

    @Test(
        arguments: [
            ("Offline", "tele/pump/LWT", "pump is Offline", 4), ("online", "tele/pump/LWT", "pump is online", 2),
            ("ON", "stat/pump/POWER", "pump POWER", nil), ("20.5", "home/t", "home/t", nil),
            ("[W][component:214]: slow", "log", "in log", nil), ("2026-01-01 ERROR db: refused", "app.log", "app.log", 4),
            ("an ERRORless day", "s", "s", nil), ("ts=1 level=error msg=x", "s", "s", 4), ("CRITICAL - disk", "s", "s", 5),
            ("[Shop] [🔴 Down] refused", "s", "s", 5), ("Nightly backup is down", "s", "s", 5),
            ("the sun is down the hill", "s", "s", nil),
            ("false", "shellies/plug/online", "plug is offline", 4), ("true", "shellies/plug/online", "plug is online", 2),
            ("false", "home/heating", "home/heating", nil), ("off", "home/pump/connected", "home pump is offline", 4),
            ("ON", "home/kitchen/smoke", "home/kitchen/smoke", 5), ("wet", "cellar/water_leak/state", "cellar water_leak", 5),
            ("true", "hall/battery_low", "hall/battery_low", 4), ("off", "home/kitchen/smoke", "home/kitchen/smoke", nil),
            ("on", "smoke", "smoke", nil),
        ] as [(String, String, String, Int?)])
    func `text has its thing as title and the level that it states`(body: String, subject: String, title: String, priority: Int?)
    {
        let event = self.event(body, subject)
        #expect(event.title == title)
        #expect(event.message == body)
        #expect(event.priority == priority)
    }

    @Test(
        arguments: [
            (#"{"alert":{"message":"Disk full","priority":"P1"},"action":"Create"}"#, "p", "Disk full", 5),
            (#"{"title":"Disk full","priority":"P1"}"#, "p", "priority: P1", 5),
            (
                #"{"issue":{"key":"A-1","fields":{"summary":"Lamp flickers","priority":{"name":"High"},"status":{"name":"Open"}}}}"#,
                "jira", "Lamp flickers", 4
            ),
            (#"{"id":7,"total":"9.90","line_items":[{"name":"Lamp"}]}"#, "shop", "id: 7, total: 9.90", nil),
            (#"{"title":"Only"}"#, "s", "Only", nil), (#"{"labels":{"alertname":"Idle"}}"#, "s", "Idle", nil),
        ] as [(String, String, String, Int?)])
    func `a name that belongs to an aspect is no title`(body: String, subject: String, words: String, priority: Int?) {
        let event = self.event(body, subject)
        #expect(event.message.hasPrefix(words), "\(event.message)")
        #expect(event.title != "High" && event.title != "Lamp", "\(event.title ?? "")")
        #expect(event.priority == priority)
    }

    @Test(
        arguments: [
            (#"{"lock":"front","user":2,"pin_code":"4711","state":"UNLOCK"}"#, "lock: front, user: 2, state: UNLOCK"),
            (
                #"{"a":1,"wifi_password":"p","psk":"p","access_token":"p","pin":1,"userPin":2,"passphrase":"p","action_code":"1","ok":true}"#,
                "a: 1, ok: true"
            ),
            (#"{"a":1,"credentials":{"user":"u","x":"y"},"pin_codes":["1"],"b":2}"#, "a: 1, b: 2"),
            (#"{"spin":1,"tokens":2,"encoded":true}"#, "spin: 1, tokens: 2, encoded: true"), (#"{"password":"p"}"#, ""),
            (#"{"big":18446744073709551616,"n":-123456789012345678901}"#, "big: 18446744073709551616, n: -123456789012345678901"),
            (
                #"{"a":18446744073709551616,"t":"18446744073709551617","e":1.5e30}"#,
                "a: 18446744073709551616, t: 18446744073709551617, e: 1.5e+30"
            ),
        ])
    func `secrets are left out of the words, and long numbers are written in full`(body: String, message: String) {
        #expect(self.event(body, type: "application/json").message == message)
    }

    @Test func `fields of a case leave secrets out and write long numbers too`() throws {
        let event = try NormaliseSample.event(
            set: #"{"message":{"fields":".payload"}}"#, #"{"pin":"1","n":123456789012345678901,"on":true}"#)
        #expect(event.message == "n: 123456789012345678901, on: true")
    }

    @Test func `colours of a terminal are left out`() {
        #expect(self.event("\u{1B}[0;33mslow\u{1B}[0m").message == "slow")
        #expect(self.event("\u{1B}[").message == "")
    }

    @Test(
        arguments: [
            (#"{"battery":87,"occupancy":true,"linkquality":112}"#, "battery: 87, occupancy: true, linkquality: 112"),
            (#"{"state":"ON"}"#, "ON"), (#"{"value":"unlocked","time":1795888800000}"#, "unlocked"),
            (
                #"{"ENERGY":{"Power":12,"Id":"x","Today":0.5},"a":null,"b":"","_links":{"c":1}}"#,
                "ENERGY Power: 12, ENERGY Today: 0.5"
            ),
            (
                #"{"list":["a","b"],"link":"https://example.org/","uuid":"31365bce-8da9-4729-8ff3-000000000001","n":1}"#,
                "list: a / b, n: 1"
            ),
            (
                #"{"method":"NotifyStatus","params":{"ts":1795888800.25,"switch:0":{"id":0,"output":true}}}"#,
                "switch:0 output: true"
            ),
            (#"{"a":1,"api_token":"s","Signature":"s","b":2}"#, "a: 1, b: 2"), (#"[{"a":1},{"b":2}]"#, "a: 1; b: 2"),
            (#"{}"#, "{}"), (#"[]"#, "[]"), (#""text""#, "text"), ("true", "true"),
        ])
    func `what has no message is written as words`(body: String, message: String) {
        #expect(self.event(body, type: "application/json").message == message)
    }

    @Test func `a long object is cut to a sentence`() {
        let members = (0..<500).map { "\"key\($0)\":\"\(String(repeating: "v", count: 300))\"" }.joined(separator: ",")
        let message = self.event("{\(members)}").message
        #expect(message.utf8.count < 1200)
        #expect(message.hasSuffix("…"))
        let deep = String(repeating: #"{"a":"#, count: 200) + "1" + String(repeating: "}", count: 200)
        #expect(self.event(deep).message.hasPrefix("{"))
    }

    @Test(
        arguments: [
            (#"{"severity":"critical","msg":"m"}"#, 5), (#"{"level":"error","msg":"m"}"#, 4),
            (#"{"level":50,"msg":"m","time":1}"#, 4),
            (#"{"status":"resolved","severity":"critical"}"#, 2), (#"{"state":"offline"}"#, 4), (#"{"water_leak":true}"#, 5),
            (#"{"water_leak":false,"battery":3}"#, nil), (#"{"battery_low":true}"#, 4), (#"{"run":{"conclusion":"failure"}}"#, 4),
            (#"{"priority":"CRITICAL","state":"CLOSED"}"#, 2), (#"{"priority":4,"state":"closed","x":0}"#, 4),
            (#"{"level":10}"#, nil),
            (#"{"update":{"state":"available"}}"#, nil), (#"{"level":87}"#, nil), (#"{"status":"ok"}"#, 2),
            (#"{"priority":"4","x":0}"#, 4), (#"{"urgency":"high"}"#, 4),
            (#"{"state":"open"}"#, nil),
        ] as [(String, Int?)])
    func `levels, states and dangers become priorities`(body: String, priority: Int?) {
        #expect(self.event(body).priority == priority)
    }

    @Test(
        arguments: [
            "2026-11-28T18:00:00Z", "2026-11-28T19:00:00+01:00", "2026-11-28T18:00:00", "2026-11-28 18:00:00",
            "2026-11-28 18:00:00.000",
            "2026-11-28 18:00:00,000", "2026-11-28T19:00:00+0100", "2026-11-28T19:00:00+01", "2026-11-28 18:00:00 UTC",
            "2026-11-28 18:00:00 +0000 UTC", "Sat, 28 Nov 2026 18:00:00 GMT", "1795888800", "1795888800000", "1795888800000000",
            "1795888800000000000", "1795888800.000",
        ])
    func `times are read as senders write them`(text: String) {
        #expect(Timestamp(lenient: text)?.description == "2026-11-28T18:00:00.000Z")
        for name in ["timestamp", "Time", "ts", "tst", "created_at", "eventTime"] {
            #expect(self.event("{\"\(name)\":\"\(text)\",\"x\":1}").timestamp.description == "2026-11-28T18:00:00.000Z")
        }
    }

    @Test(arguments: [
        "", "soon", "2026-13-01T00:00:00", "12:00", "2026-11-28", "2026-11-28T18:00:00+1", "2026-11-28T18:00:00 CEST",
    ])
    func `what is no time is not taken for one`(text: String) {
        #expect(Timestamp(lenient: text) == nil)
        #expect(self.event("{\"time\":\"\(text)\",\"x\":1}").timestamp == self.now)
    }

    @Test func `a number that is no time of today is not taken for one`() {
        #expect(self.event(#"{"time":3600,"x":1}"#).timestamp == self.now)
        #expect(self.event(#"{"date":99999999999999,"x":1}"#).timestamp == self.now)
        #expect(self.event(#"{"ts":1795888800,"x":1}"#).timestamp.description == "2026-11-28T18:00:00.000Z")
    }

    @Test func `names of people and of what was before are no titles`() {
        let event = self.event(
            #"{"before":{"name":"b"},"user":{"name":"Ann"},"monitor":{"name":"Shop"},"heartbeat":{"msg":"refused"}}"#)
        #expect(event.title == "Shop")
        #expect(event.message == "refused")
    }

    @Test func `a repository stands in front of the title`() {
        let event = self.event(
            #"{"action":"opened","issue":{"title":"Lamp flickers","body":"At dusk."},"repository":{"full_name":"acme/lamp"}}"#)
        #expect(event.title == "acme/lamp: opened: Lamp flickers")
        let push = self.event(
            #"{"commits":[{"message":"Dim it\n"}],"repository":{"full_name":"acme/lamp"}}"#,
            attributes: [("x-github-event", "push")])
        #expect(push.title == "acme/lamp: push")
        #expect(push.message == "Dim it")
    }

    @Test func `a CloudEvent in binary mode has its id, time and subject`() {
        let event = self.event(
            #"{"orderId":17}"#,
            attributes: [
                ("ce-specversion", "1.0"), ("ce-type", "order.paid"), ("ce-id", "A:1"), ("ce-time", "2026-11-28T18:00:00Z"),
                ("ce-source", "/shop"),
            ])
        #expect(event.id == "A%3A1")
        #expect(event.title == "order.paid")
        #expect(event.message == "orderId: 17")
        #expect(event.timestamp.description == "2026-11-28T18:00:00.000Z")
    }

    @Test(
        arguments: [
            ("", [("retained", "false")], false), ("", [], false), ("", [("sse-event", "ping")], true),
            ("x", [("retained", "true")], false),
            ("{}", [("sse-event", "keepalive")], true), ("[DONE]", [("sse-event", "message")], true),
            ("[DONE]", [], false), (#"{"event":"open","topic":"a","time":1}"#, [("sse-event", "open")], true),
            (#"{"door":"open"}"#, [("sse-event", "open")], false),
        ] as [(String, [Attributes.Element], Bool)])
    func `keep-alives and end marks of event streams are no events`(body: String, attributes: [Attributes.Element], isNoise: Bool)
    {
        #expect(self.outcome(body, attributes: attributes).isNoise == isNoise)
    }

    @Test func `a source with a mapping of its own has every message`() {
        var settings = NormaliseSettings()
        settings.message = try? Template("pressed", compiler: WordCompiler())
        let outcome = Normaliser(source: "in", settings: settings, bridge: "b").event(
            from: ReceivedMessage(subject: "s", body: ByteBuffer(), attributes: Attributes([("sse-event", "ping")])),
            now: self.now)
        #expect(!outcome.isNoise)
        #expect(outcome.event.message == "pressed")
    }

    @Test(
        arguments: [
            ([0xEF, 0xBB, 0xBF, 0x7B, 0x22, 0x61, 0x22, 0x3A, 0x31, 0x7D], nil, "a: 1"),
            ([0xFF, 0xFE, 0x68, 0, 0xE9, 0], nil, "hé"),
            ([0xFE, 0xFF, 0, 0x68, 0, 0xE9], nil, "hé"), ([0x68, 0xE9], "text/plain; charset=ISO-8859-1", "hé"),
            ([0x80], "text/plain; charset=\"windows-1252\"", "€"), ([0x68, 0, 0xE9, 0], "text/plain;charset=utf-16le", "hé"),
            ([0x68, 0xC3, 0xA9], "text/plain; charset=utf-8", "hé"), (Array(#"{"a":1}"#.utf8), "text/plain", "a: 1"),
        ] as [([UInt8], String?, String)])
    func `bodies are read in the sender's characters`(bytes: [UInt8], type: String?, message: String) {
        let event = Normaliser(source: "in", settings: NormaliseSettings(), bridge: "b").event(
            from: ReceivedMessage(subject: "s", body: ByteBuffer(bytes: bytes), contentType: type), now: self.now
        ).event
        #expect(event.message == message)
        #expect(event.raw == ByteBuffer(bytes: bytes))
    }
}
