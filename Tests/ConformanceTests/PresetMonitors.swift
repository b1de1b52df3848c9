/// What a person reads of monitors, cameras, payments and older devices.
extension PresetMessageTests {
    private static func alert(_ name: String, _ severity: String, _ summary: String, status: String = "firing") -> String {
        #"{"status":"\#(status)","labels":{"alertname":"\#(name)","severity":"\#(severity)"},"annotations":{"summary":"\#(summary)"},"#
            + #""startsAt":"2026-11-28T18:00:00Z","endsAt":"2026-11-28T18:05:00Z"}"#
    }

    private static func group(_ status: String, _ labels: String, _ common: String, _ alerts: [String]) -> String {
        #"{"version":"4","status":"\#(status)","receiver":"x","groupLabels":\#(labels),"commonLabels":\#(common),"#
            + #""commonAnnotations":{},"alerts":[\#(alerts.joined(separator: ","))]}"#
    }

    static let monitors = [
        Message(
            preset: "alertmanager", subject: "alertmanager",
            body: group(
                "firing", #"{"cluster":"eu","team":"web"}"#, #"{"cluster":"eu"}"#,
                [alert("DiskFull", "warning", "Disk of db-1 is full"), alert("InstanceDown", "critical", "web-1 is down")]),
            title: "[FIRING:2] eu web", message: "Disk of db-1 is full\nweb-1 is down", priority: 5,
            tags: ["alertmanager", "firing"], time: "2026-11-28T18:00:00Z"),
        Message(
            preset: "alertmanager", subject: "alertmanager",
            body: group(
                "firing", #"{"cluster":"eu"}"#, "{}",
                [
                    alert("InstanceDown", "critical", "web-1 is down", status: "resolved"),
                    alert("DiskFull", "warning", "Disk of db-1 is full"),
                ]),
            title: "[FIRING:1] eu", message: "Disk of db-1 is full\nResolved: web-1 is down", priority: 4,
            time: "2026-11-28T18:00:00Z"),
        Message(
            preset: "alertmanager", subject: "alertmanager",
            body: group(
                "resolved", "{}", "{}",
                [
                    alert("DiskFull", "warning", "Disk of db-1 is full", status: "resolved"),
                    alert("InstanceDown", "critical", "web-1 is down", status: "resolved"),
                ]),
            title: "[RESOLVED:2] alerts", message: "Disk of db-1 is full\nweb-1 is down", priority: 2,
            tags: ["alertmanager", "resolved"], time: "2026-11-28T18:05:00Z"),
        Message(
            preset: "frigate", subject: "frigate/reviews",
            body: #"""
                {"type":"new","before":{},"after":{"id":"1","camera":"drive","start_time":1795888800,"severity":"alert",
                "data":{"detections":[],"objects":["person"],"sub_labels":["Ann"],"zones":["porch"],"audio":[]}}}
                """#,
            title: "alert on drive", message: "person, Ann in porch", priority: 4, time: "2026-11-28T18:00:00Z"),
        Message(
            preset: "frigate", subject: "frigate/reviews",
            body: #"""
                {"type":"end","before":{},"after":{"id":"1","camera":"drive","end_time":1795888800,"severity":"detection",
                "data":{"objects":[],"sub_labels":[],"zones":[],"audio":["bark"]}}}
                """#,
            title: "detection on drive ended", message: "bark", priority: 2, time: "2026-11-28T18:00:00Z"),
        Message(preset: "frigate", subject: "frigate/drive/audio/dBFS", body: "-41.7", title: nil),
        Message(preset: "frigate", subject: "frigate/drive/audio/rms", body: "12.1", title: nil),
        Message(
            preset: "frigate", subject: "frigate/drive/audio/bark", body: "ON", title: "drive bark", message: "ON", priority: 3,
            tags: ["frigate", "audio", "drive"]),
        Message(
            preset: "frigate", subject: "frigate/drive/audio/state", body: "ON", title: "drive audio", message: "ON", priority: 1,
            tags: ["frigate", "setting"]),
        Message(
            preset: "frigate", subject: "frigate/drive/status/detect", body: "offline", title: "drive detect is offline",
            message: "offline", priority: 4, tags: ["frigate", "status", "drive"]),
        Message(
            preset: "frigate", subject: "frigate/drive/person/active", body: "1", title: "drive person active", message: "1",
            priority: 1, tags: ["frigate", "count"]),
        Message(
            preset: "healthchecks", subject: "healthchecks",
            body: #"{"name":"","slug":"","tags":"","status":"down","last_ping":"2026-11-28T16:59:00+00:00","uuid":"31365bce"}"#,
            title: "31365bce is down", message: "last ping 2026-11-28T16:59:00+00:00", priority: 5,
            tags: ["healthchecks", "down"]),
        Message(
            preset: "healthchecks", subject: "healthchecks",
            body: #"{"name":"Backup","slug":"backup","tags":"prod","status":"up","last_ping":"2026-11-28T16:59:00+00:00"}"#,
            title: "Backup is up", message: "last ping 2026-11-28T16:59:00+00:00", priority: 2,
            tags: ["healthchecks", "up", "prod"]),
        Message(
            preset: "stripe", subject: "stripe",
            body: #"""
                {"id":"evt_1","object":"event","created":1795888800,"type":"invoice.payment_failed","data":{"object":{"id":"in_1",
                "object":"invoice","amount_due":2005,"amount_paid":0,"currency":"usd","status":"open","customer":"cus_1",
                "customer_email":"ann@example.com","description":null}}}
                """#,
            title: "invoice.payment_failed", message: "20.05 USD, open, ann@example.com, in_1", priority: 4,
            time: "2026-11-28T18:00:00Z"),
        Message(
            preset: "stripe", subject: "stripe",
            body: #"""
                {"id":"evt_2","object":"event","created":1795888800,"type":"charge.failed","data":{"object":{"id":"ch_1",
                "object":"charge","amount":500,"amount_refunded":0,"currency":"jpy","status":"failed",
                "failure_message":"Your card was declined.","billing_details":{"email":null}}}}
                """#,
            title: "charge.failed", message: "500 JPY, failed, Your card was declined., ch_1", priority: 4,
            time: "2026-11-28T18:00:00Z"),
        Message(
            preset: "stripe", subject: "stripe",
            body: #"""
                {"id":"evt_3","object":"event","created":1795888800,"type":"charge.dispute.created","data":{"object":{"id":"dp_1",
                "object":"dispute","amount":1000,"currency":"eur","reason":"fraudulent","status":"needs_response"}}}
                """#,
            title: "charge.dispute.created", message: "10.00 EUR, needs_response, fraudulent, dp_1", priority: 5,
            time: "2026-11-28T18:00:00Z"),
        Message(
            preset: "stripe", subject: "stripe",
            body: #"""
                {"id":"evt_4","object":"v2.core.event","type":"v1.billing.meter.no_meter_found",
                "created":"2026-11-28T18:00:00Z"}
                """#,
            title: "v1.billing.meter.no_meter_found", message: "v1.billing.meter.no_meter_found", priority: 3,
            time: "2026-11-28T18:00:00Z"),
        Message(
            preset: "shelly-gen1", subject: "shellies/shelly25-1/temperature_status", body: "Very High",
            title: "shelly25-1 temperature", message: "Very High", priority: 5, tags: ["shelly", "temperature_status"]),
        Message(
            preset: "shelly-gen1", subject: "shellies/shellydimmer-1/loaderror", body: "1", title: "shellydimmer-1 load error",
            message: "1", priority: 4, tags: ["shelly", "loaderror"]),
        Message(
            preset: "shelly-gen1", subject: "shellies/shellygas-1/sensor/gas", body: "heavy", title: "shellygas-1 gas",
            message: "heavy", priority: 5, tags: ["shelly", "gas"]),
    ]
}
