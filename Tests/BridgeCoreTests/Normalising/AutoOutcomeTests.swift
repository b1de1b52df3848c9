import NIOCore
import Testing

@testable import BridgeCore

/// Senders that say how it went in a place of their own, read without any configuration.
struct AutoOutcomeTests {
    private func event(_ body: String, subject: String = "hook") -> Event {
        let message = ReceivedMessage(subject: subject, body: ByteBuffer(string: body), contentType: "application/json")
        return Normaliser(source: "in", settings: NormaliseSettings(), bridge: "b")
            .event(from: message, now: Timestamp(milliseconds: 1_768_471_200_000)).event
    }

    private static func analysis(_ gate: String, status: String = "SUCCESS", branch: String = "") -> String {
        #"{"serverUrl":"https://sonar.example","taskId":"AX1","status":"\#(status)","analysedAt":"2026-11-28T18:00:00+0000","#
            + #""project":{"key":"shop","name":"Shop","url":"https://sonar.example/shop"}\#(branch),"qualityGate":\#(gate)}"#
    }

    @Test func `an analysis of SonarQube that ran is a failure if its quality gate failed`() {
        let failed = self.event(
            Self.analysis(
                #"""
                {"name":"Sonar way","status":"ERROR","conditions":[{"metric":"new_coverage","operator":"LESS_THAN",
                "value":"71.2","status":"ERROR","errorThreshold":"80"},{"metric":"new_bugs","status":"NO_VALUE"},
                {"metric":"new_lines","operator":"GREATER_THAN","value":"3","status":"OK","errorThreshold":"9"}]}
                """#, branch: #","branch":{"name":"fix","isMain":false}"#))
        #expect(failed.title == "Shop fix: quality gate failed" && failed.message == "new_coverage 71.2, required 80")
        #expect(failed.priority == 4 && failed.timestamp == Timestamp(rfc3339: "2026-11-28T18:00:00Z"))
        let passed = self.event(
            Self.analysis(#"{"name":"Sonar way","status":"OK"}"#, branch: #","branch":{"name":"main","isMain":true}"#))
        #expect(passed.title == "Shop: quality gate passed" && passed.message == "Sonar way: passed" && passed.priority == 2)
        #expect(self.event(Self.analysis("null", status: "FAILED")).priority == 4)
    }

    @Test func `the conditions of a quality gate are bounded`() {
        let conditions = (1...12).map { #"{"metric":"m\#($0)","status":"ERROR"}"# }.joined(separator: ",")
        let event = self.event(Self.analysis(#"{"status":"ERROR","conditions":[\#(conditions)]}"#))
        #expect(event.message == (1...10).map { "m\($0)" }.joined(separator: "\n") + "\nand 2 more")
    }

    private static func appliance(_ items: [String]) -> String {
        #"{"haId":"BOSCH-1","items":[\#(items.joined(separator: ","))]}"#
    }

    private static func present(_ key: String, level: String, _ value: String = "Present") -> String {
        #"{"timestamp":1795888800,"handling":"none","key":"\#(key)","level":"\#(level)","#
            + #""value":"BSH.Common.EnumType.EventPresentState.\#(value)"}"#
    }

    @Test(
        arguments: [
            (present("Dishcare.Dishwasher.Event.SaltNearlyEmpty", level: "hint"), "SaltNearlyEmpty: Present", 3),
            (present("Dishcare.Dishwasher.Event.SaltNearlyEmpty", level: "hint", "Off"), "SaltNearlyEmpty: Off", 2),
            (present("ConsumerProducts.CoffeeMaker.Event.WaterTankEmpty", level: "warning"), "WaterTankEmpty: Present", 4),
            (present("Refrigeration.Event.DoorAlarmFreezer", level: "hint"), "DoorAlarmFreezer: Present", 4),
            (present("Cooking.Oven.Event.Fault", level: "critical"), "Fault: Present", 5),
            (
                #"{"key":"BSH.Common.Option.RemainingProgramTime","value":300,"unit":"seconds","timestamp":1795888800}"#,
                "RemainingProgramTime: 300 seconds", nil
            ),
        ] as [(String, String, Int?)])
    func `an appliance of Home Connect says what it needs`(item: String, message: String, priority: Int?) {
        let event = self.event(Self.appliance([item]), subject: "NOTIFY")
        #expect(event.title == "BOSCH-1" && event.message == message && event.priority == priority)
        #expect(event.timestamp == Timestamp(rfc3339: "2026-11-28T18:00:00Z"))
    }

    @Test func `the items of an appliance are bounded`() {
        let items = (1...11).map { #"{"key":"A.K\#($0)","value":true}"# }
        let event = self.event(Self.appliance(items))
        #expect(event.message == (1...10).map { "K\($0): true" }.joined(separator: ", ") + ", …")
    }

    @Test(arguments: [(0, 2), (1, 4), (2, 5), (3, nil)] as [(Int, Int?)])
    func `the alarms of Victron are none, a warning or an alarm`(value: Int, priority: Int?) {
        let event = self.event("{\"value\":\(value)}", subject: "N/c0619ab/battery/512/Alarms/LowVoltage")
        #expect(event.title == "N/c0619ab/battery/512/Alarms/LowVoltage" && event.message == "\(value)")
        #expect(event.priority == priority)
        #expect(self.event("{\"value\":1}", subject: "N/c0619ab/battery/512/Soc").priority == nil)
    }

    @Test(arguments: [
        (
            #"{"execution":{"id":"231","url":"https://n8n.example/231","error":{"message":"Bad gateway","stack":"Stack"},"#
                + #""lastNodeExecuted":"HTTP Request","mode":"manual"},"workflow":{"id":"1","name":"Orders"}}"#,
            "HTTP Request: Bad gateway"
        ),
        (
            #"{"trigger":{"error":{"name":"X","message":"No connection","timestamp":1},"mode":"trigger"},"workflow":{"name":"Orders"}}"#,
            "No connection"
        ),
    ]) func `a workflow of n8n that failed is a failure`(body: String, message: String) {
        let event = self.event(body)
        #expect(event.title == "Orders failed" && event.message == message && event.priority == 4)
    }

    @Test(
        arguments: [
            (#""resolved_at":null,"status":"Started""#, 4), (#""resolved_at":null,"status":"Acknowledged""#, 4),
            (#""resolved_at":"2026-11-28T18:05:00.000Z","status":"Resolved""#, 2),
        ])
    func `an incident of Better Stack is urgent until it is resolved`(state: String, priority: Int) {
        let event = self.event(
            #"{"data":{"id":"25","type":"incident","attributes":{"name":"Shop","url":"https://shop.example","http_method":"get","#
                + #""cause":"Status 404","started_at":"2026-11-28T18:00:00.000Z",\#(state)},"relationships":{}}}"#)
        #expect(event.title?.contains("Shop") == true && event.message == "Status 404" && event.priority == priority)
        #expect(event.timestamp == Timestamp(rfc3339: "2026-11-28T18:00:00Z"))
    }
}
