/// What a person reads of smart locks, of payments in currencies without cents, and of recognised faces.
extension PresetMessageTests {
    private static func nuki(
        _ topic: String, _ body: String, _ title: String?, _ message: String? = nil, _ priority: Int? = nil,
        _ tags: [String]? = nil
    ) -> Message {
        Message(
            preset: "nuki", subject: "nuki/45A2F2BF/\(topic)", body: body, title: title, message: message, priority: priority,
            tags: tags)
    }

    private static func payment(_ amount: Int, _ currency: String, _ text: String) -> Message {
        Message(
            preset: "stripe", subject: "stripe",
            body:
                #"{"id":"evt_1","type":"charge.succeeded","created":1795888800,"data":{"object":{"id":"ch_1","amount":\#(amount),"#
                + #""currency":"\#(currency)","status":"succeeded"}}}"#,
            title: "charge.succeeded", message: "\(text), succeeded, ch_1", priority: 3, time: "2026-11-28T18:00:00Z")
    }

    static let locks = [
        nuki("state", "1", "Nuki 45A2F2BF", "locked", 2, ["nuki", "state"]),
        nuki("state", "254", "Nuki 45A2F2BF", "motor blocked", 5),
        nuki("state", "99", "Nuki 45A2F2BF", "state 99", 2),
        nuki("lockActionEvent", "3,0,54321,12345,1", "Nuki 45A2F2BF action", "unlatch by system or Bluetooth", 3),
        nuki("lockActionEvent", "4,2,0,0,0", "Nuki 45A2F2BF action", "lock 'n' go by button", 3, ["nuki", "action"]),
        nuki("lockActionEvent", "90,2,0,0,2", "Nuki 45A2F2BF action", "no action by button", 3),
        nuki("doorsensorState", "240", "Nuki 45A2F2BF door", "tampered", 5, ["nuki", "door"]),
        nuki("batteryCritical", "true", "Nuki 45A2F2BF battery", "critical", 4, ["nuki", "battery"]),
        nuki("keypadBatteryCritical", "false", "Nuki 45A2F2BF battery of the keypad", "ok", 1),
        nuki("connected", "false", "Nuki 45A2F2BF is offline", "offline", 4, ["nuki", "connected"]),
        nuki("commandResponse", "0", "Nuki 45A2F2BF command", "success", 1),
        nuki("batteryChargeState", "87", "Nuki 45A2F2BF batteryChargeState", "87", 1, ["nuki", "batteryChargeState"]),
        nuki("lockAction", "2", nil),
        nuki("timestamp", "2026-11-28T18:00:00Z", nil),
        payment(500, "jpy", "500 JPY"), payment(5000, "kwd", "5.000 KWD"), payment(5124, "bhd", "5.124 BHD"),
        payment(-5, "omr", "-0.005 OMR"), payment(500, "ugx", "5.00 UGX"), payment(500, "isk", "5.00 ISK"),
        payment(1099, "eur", "10.99 EUR"), payment(-5, "usd", "-0.05 USD"),
        Message(
            preset: "frigate", subject: "frigate/tracked_object_update",
            body: #"""
                {"type":"face","id":"1607123955.475377-mxklsc","name":"John","score":0.95,"camera":"front_door_cam",
                "timestamp":1795888800.748393}
                """#,
            title: "Face on front_door_cam", message: "John", priority: 2,
            tags: ["frigate", "tracked_object_update", "front_door_cam"], time: "2026-11-28T18:00:00.748Z"),
        Message(
            preset: "frigate", subject: "frigate/tracked_object_update",
            body: #"{"type":"description","id":"1607123955.475377-mxklsc","description":"The car is a red sedan."}"#,
            title: "Description", message: "The car is a red sedan.", priority: 2),
    ]
}
