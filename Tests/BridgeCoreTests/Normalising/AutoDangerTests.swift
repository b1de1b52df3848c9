import NIOCore
import Testing

@testable import BridgeCore

/// Dangers, failures and levels that senders state in their own ways, without any configuration.
struct AutoDangerTests {
    private let now = Timestamp(milliseconds: 1_768_471_200_000)

    private func event(_ body: String, _ subject: String = "s") -> Event {
        Normaliser(source: "in", settings: NormaliseSettings(), bridge: "bridge").event(
            from: ReceivedMessage(subject: subject, body: ByteBuffer(string: body)), now: self.now
        ).event
    }

    @Test(
        arguments: [
            ("home/kitchen/smoke", "true", 5), ("home/kitchen_smoke", "ON", 5), ("home/kitchen-smoke/state", "on", 5),
            ("esphome/hall/binary_sensor/smoke_detector/state", "ON", 5), ("home/cellar_water_leak", "1", 5),
            ("home/cellar_water_leak", "0", nil), ("home/kitchen_smoke", "OFF", nil), ("home/flood_light", "ON", nil),
            ("home/alarm_clock", "ON", nil), ("home/door_battery_low", "true", 4), ("home/smoke_setting", "ON", nil),
            ("pump/online", "0", 4), ("pump/online", "1", 2),
        ] as [(String, String, Int?)])
    func `a topic that ends with a danger`(subject: String, body: String, priority: Int?) {
        #expect(self.event(body, subject).priority == priority)
    }

    @Test(
        arguments: [
            (#"{"kitchen_smoke":true}"#, 5), (#"{"kitchen_smoke":false}"#, nil),
            (#"{"id":"binary_sensor-kitchen_smoke","state":"ON"}"#, 5),
            (#"{"id":"binary_sensor-kitchen_smoke","state":"OFF"}"#, nil), (#"{"name":"Cellar leak","value":true}"#, 5),
            (#"{"name":"Flood light","state":"ON"}"#, nil), (#"{"mute_alarm":true}"#, nil),
            (#"{"event":"lock_jammed"}"#, 4), (#"{"event":"LoginFailed","user":"ann"}"#, 4), (#"{"type":"access-denied"}"#, 4),
            (#"{"event":"key_down"}"#, nil), (#"{"event":"temperature_max"}"#, nil), (#"{"status":"denied"}"#, 4),
            (#"{"alert":{"message":"Disk full","priority":"P1"}}"#, 5),
            (#"{"event":{"event_type":"incident.triggered","data":{"title":"Disk","priority":{"summary":"P2"}}}}"#, 4),
            (#"{"text":"Volume 1 is degraded."}"#, 4), (#"{"gcode_state":"FAILED","percent":42}"#, 4),
            (#"{"previous_state":"FAILED"}"#, nil), (#"{"update_state":"available"}"#, nil), (#"{"print_result":"ok"}"#, nil),
            (#"{"workflow":{"name":"w"},"execution":{"error":{"message":"boom"}}}"#, nil), (#"{"name":"w","error":"boom"}"#, 4),
            (#"{"name":"w","error":"none"}"#, nil), (#"{"host":"web","event_severity":"High"}"#, 4),
            (#"{"title":"❌ Backup","description":"see the log"}"#, 4), (#"{"text":"✅ Backup done"}"#, 2),
        ] as [(String, Int?)])
    func `a JSON object with a danger or a failure`(body: String, priority: Int?) {
        #expect(self.event(body).priority == priority)
    }

    @Test(
        arguments: [
            ("🚨 Alarm in the cellar", 5), ("❌ Backup of nas", 4), ("⚠️ low disk", 4), ("✅ 12 passed, ❌ 0 failed", 2),
            ("Backup of nas failed", 4), ("12 passed, 0 failed", nil), ("Nothing failed.", nil), ("The print crashed!", 4),
            ("Backup ended", nil), ("Größe 3", nil), ("Traceback (most recent call last):\n  File", 4),
            ("job 7\nTraceback (most recent call last):\n  File", 4), ("panic: runtime error: index out of range", 4),
            ("no panic: all good", nil),
        ] as [(String, Int?)])
    func `signs and crashes in a text`(text: String, priority: Int?) {
        #expect(self.event(text).priority == priority)
        #expect(self.event(text).message == text)
    }

    @Test(
        arguments: [
            (#"{"version":"1.1","host":"web-01","short_message":"disk full","level":2}"#, 5, "web-01", "disk full"),
            (#"{"version":"1.1","host":"web-01","short_message":"started","level":6}"#, 3, "web-01", "started"),
            (#"{"MESSAGE":"oom","PRIORITY":"3","_HOSTNAME":"nas","SYSLOG_IDENTIFIER":"kernel"}"#, 4, "kernel", "oom"),
            (#"{"text":"water","level":2}"#, nil, "s", "water"),
        ] as [(String, Int?, String, String)])
    func `levels of GELF and the journal are those of syslog`(body: String, priority: Int?, title: String, message: String) {
        let event = self.event(body)
        #expect(event.priority == priority && event.title == title && event.message == message)
    }

    @Test(
        arguments: [
            (
                "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick", 5, "mymachine su",
                "'su root' failed for lonvick",
                nil
            ),
            ("<13>Feb  5 17:32:18 10.0.0.99 cron[12]: done", 3, "10.0.0.99 cron", "done", nil),
            (
                #"<165>1 2003-10-11T22:14:15.003Z host.example.com evntslog - ID47 [ex@1 a="]\"" b="2"][y] An event"#, 3,
                "host.example.com evntslog", "An event", "2003-10-11T22:14:15.003Z"
            ),
            ("<11>1 - - - - ID1 -", 4, "s", "ID1", nil), ("<191>text", 1, "s", "text", nil), ("<3>", 4, "s", "", nil),
            ("<192>text", nil, "s", "<192>text", nil), ("<b>text</b>", nil, "s", "<b>text</b>", nil),
            ("<34", nil, "s", "<34", nil),
            (#"<34>1 - h a - - [x "open"#, 5, "h a", #"1 - h a - - [x "open"#, nil), ("<34>1 x", 5, "s", "1 x", nil),
        ] as [(String, Int?, String, String, String?)])
    func `a line of syslog`(line: String, priority: Int?, title: String, message: String, time: String?) {
        let event = self.event(line)
        #expect(event.priority == priority && event.title == title && event.message == message, "\(event.message)")
        #expect(event.timestamp == time.flatMap { Timestamp(rfc3339: $0) } ?? self.now)
        #expect(String(buffer: event.raw) == line)
    }

    @Test(
        arguments: [
            ("2026-01-14T10:00:00Z ERROR disk", "2026-01-14T10:00:00Z"),
            ("[2026-01-14T10:00:00.5+01:00] x", "2026-01-14T09:00:00.5Z"),
            ("2026-01-14 10:00:00 +0100 x", "2026-01-14T09:00:00Z"), ("2026-01-14 10:00:00,123 ERROR local", nil),
            ("2026-01-14", nil), ("1970-01-14T10:00:00Z x", nil), ("12 apples", nil),
        ] as [(String, String?)])
    func `a time with a zone at the start of a line`(line: String, time: String?) {
        #expect(self.event(line).timestamp == time.flatMap { Timestamp(rfc3339: $0) } ?? self.now)
        #expect(self.event(line).message == line)
    }

    @Test(
        arguments: [
            (
                #"{"project":{"name":"Education"},"issue":{"fields":{"summary":"Lamp flickers","description":"At dusk"}}}"#,
                "Education: Lamp flickers", "At dusk"
            ),
            (
                #"{"webhook":{"name":"Hook"},"workflow":{"name":"deploy","status":"failed"},"project":{"name":"web"}}"#,
                "web: deploy", "workflow status: failed"
            ),
            (
                #"{"event":{"agent":{"type":"user_reference","summary":"Ann"},"data":{"title":"Disk full","status":"triggered"}}}"#,
                "Disk full", "triggered"
            ),
            (#"{"a":{"b":{"c":{"d":{"e":{"f":{"title":"Deep","message":"text"}}}}}}}"#, "Deep", "text"),
            (
                #"{"data":{"viewer":{"homes":[{"subscription":{"price":{"current":{"total":0.29,"cheap":true}}}}]}}}"#, "s",
                "total: 0.29"
            ),
            (#"{"image":"web:1","repo_url":"job/7","pushed_at":1795888800}"#, "s", "image: web:1"),
        ] as [(String, String, String)])
    func `titles and words are those of the thing, however deep`(body: String, title: String, message: String) {
        let event = self.event(body)
        #expect(event.title?.hasPrefix(title) == true, "\(event.title ?? "")")
        #expect(event.message.hasPrefix(message), "\(event.message)")
    }

    @Test func `a notification of SNS is read with its message`() {
        let alarm =
            #"{\"AlarmName\":\"cpu-high\",\"NewStateValue\":\"ALARM\",\"NewStateReason\":\"Threshold crossed\",\"StateChangeTime\":\"2026-01-14T10:00:00.000+0000\"}"#
        let event = self.event(
            #"{"Type":"Notification","MessageId":"m-1","TopicArn":"arn:aws:sns:eu-west-1:1:ops","Subject":"ALARM: \"cpu-high\"","#
                + #""Message":"\#(alarm)","Timestamp":"2026-01-14T10:00:01.000Z"}"#)
        #expect(event.title == "cpu-high: ALARM" && event.message == "Threshold crossed" && event.priority == 4)
        #expect(event.id == "m-1" && event.timestamp == Timestamp(rfc3339: "2026-01-14T10:00:00Z"))
        let text = self.event(
            #"{"Type":"Notification","MessageId":"m-2","TopicArn":"arn:aws:sns:eu-west-1:1:ops","Message":"ERROR: no {","Timestamp":"2026-01-14T10:00:01.000Z"}"#
        )
        #expect(text.title == "ops" && text.message == "ERROR: no {" && text.priority == 4)
    }

    @Test func `JSON of the model with a title alone keeps its id`() {
        let event = self.event(#"{"id":"e2","title":"Door open","priority":4}"#)
        #expect(event.id == "e2" && event.title == "Door open" && event.message == "Door open" && event.priority == 4)
        #expect(self.event(#"{"id":"e2","title":""}"#).id != "e2")
    }
}
