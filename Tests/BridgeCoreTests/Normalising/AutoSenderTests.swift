import NIOCore
import Testing

@testable import BridgeCore

/// Messages in the documented formats of senders that have no preset, read without any configuration.
struct AutoSenderTests {
    struct Example: CustomTestStringConvertible, Sendable {
        let name: String
        let body: String
        var subject = "hook"
        var attributes: [Attributes.Element] = []
        let title: String
        let message: String
        var priority: Int?
        var time: String?

        var testDescription: String { self.name }
    }

    static let examples = [
        Example(
            name: "The Things Stack: uplink",
            body: #"""
                {"end_device_ids":{"device_id":"thermostat1","application_ids":{"application_id":"a"},"dev_eui":"ABABABABABABABAA"},
                "received_at":"2026-08-11T08:59:45.869225403Z","uplink_message":{"f_port":2,"frm_payload":"AhJF8HTI3khf",
                "decoded_payload":{"temperature":2,"battery_low":true},"rx_metadata":[{"rssi":-35,"time":"2026-08-11T08:59:44Z"}]}}
                """#,
            title: "thermostat1", message: "temperature: 2, battery_low: true", priority: 4, time: "2026-08-11T08:59:45.869Z"),
        Example(
            name: "The Things Stack: without a decoder",
            body: #"{"end_device_ids":{"device_id":"t1"},"uplink_message":{"f_port":2,"frm_payload":"AhJF"}}"#, title: "t1",
            message: "port 2: AhJF"),
        Example(
            name: "The Things Stack: join", body: #"{"end_device_ids":{"device_id":"t1"},"join_accept":{"session_key_id":"x"}}"#,
            title: "t1", message: "join accept"),
        Example(
            name: "rtl_433",
            body: #"""
                {"time":"2026-11-28 11:14:00","model":"Acurite-Tower","id":15580,"channel":"A","battery_ok":1,
                "temperature_C":21.3,"humidity":53,"mic":"CHECKSUM"}
                """#,
            subject: "rtl_433/pi/events", title: "Acurite-Tower 15580",
            message: "channel: A, battery_ok: 1, temperature_C: 21.3, humidity: 53"),
        Example(
            name: "rtl_433: battery", body: #"{"time":"@0.1s","model":"Acurite-Tower","battery_ok":0,"mic":"CRC"}"#,
            title: "Acurite-Tower", message: "battery_ok: 0", priority: 4),
        Example(
            name: "Bitbucket: push",
            body: #"""
                {"actor":{"display_name":"Emma"},"repository":{"full_name":"team/repo"},"push":{"changes":[{"new":{"type":"branch",
                "name":"main","target":{"message":"Fix it\n","date":"2026-06-09T03:34:49+00:00"}},"old":{"name":"main"}}]}}
                """#,
            attributes: [("x-event-key", "repo:push")], title: "team/repo: push to main", message: "Emma: Fix it",
            time: "2026-06-09T03:34:49.000Z"),
        Example(
            name: "Bitbucket: deleted branch",
            body: #"""
                {"actor":{"display_name":"Emma"},"repository":{"full_name":"team/repo"},
                "push":{"changes":[{"new":null,"old":{"type":"branch","name":"old"},"closed":true}]}}
                """#,
            title: "team/repo: deleted old", message: "Emma: deleted old"),
        Example(
            name: "WooCommerce: order",
            body: #"""
                {"id":727,"number":"727","order_key":"wc_order_58d2d042d1d","status":"processing","currency":"USD",
                "date_created_gmt":"2026-03-22T19:28:02","total":"29.35","billing":{"first_name":"John","email":"j@example.com"},
                "line_items":[{"name":"Lamp","quantity":2},{"name":"Bulb","quantity":1}]}
                """#,
            title: "Order 727: processing", message: "2 × Lamp, 1 × Bulb, total 29.35 USD", time: "2026-03-22T19:28:02.000Z"),
        Example(
            name: "WooCommerce: failed order",
            body: #"{"number":"7","order_key":"k","status":"failed","total":"1.00","line_items":[]}"#, title: "Order 7: failed",
            message: "total 1.00", priority: 4),
        Example(
            name: "Vercel: failed deployment",
            body: #"""
                {"id":"uev_x","type":"deployment.error","createdAt":1795888800000,"region":null,"payload":{"team":{"id":"t"},
                "deployment":{"id":"dpl_x","meta":{"githubCommitMessage":"Fix header"},"url":"my-app-abc.vercel.app","name":"my-app"},
                "plan":"pro","regions":["fra1"],"target":"production","project":{"id":"prj_x"}}}
                """#,
            title: "deployment.error: my-app",
            message: "deployment meta githubCommitMessage: Fix header, plan: pro, "
                + "regions: fra1, target: production", priority: 4, time: "2026-11-28T18:00:00.000Z"),
        Example(
            name: "Twilio: message",
            body:
                #"{"AccountSid":"AC1","MessageSid":"SM1","From":"+14017122661","To":"+15558675310","Body":"Ahoy there","NumMedia":"0"}"#,
            title: "Message from +14017122661", message: "Ahoy there"),
        Example(
            name: "Twilio: undelivered",
            body: #"{"AccountSid":"AC1","MessageSid":"SM1","MessageStatus":"undelivered","To":"+1555","ErrorCode":"30003"}"#,
            title: "Message to +1555", message: "undelivered, error 30003", priority: 4),
        Example(
            name: "Twilio: call",
            body: #"{"AccountSid":"AC1","CallSid":"CA1","From":"+1401","To":"+1555","CallStatus":"ringing"}"#,
            title: "Call from +1401", message: "ringing to +1555"),
        Example(
            name: "Slack: section with a heading",
            body: #"""
                {"blocks":[{"type":"section","text":{"type":"mrkdwn","text":"*Deploy failed*\nweb-01 is away"}},
                {"type":"section","fields":[{"type":"mrkdwn","text":"*Env:* prod"}]},
                {"type":"context","elements":[{"type":"mrkdwn","text":"by ann"},{"type":"image","image_url":"x"}]}]}
                """#,
            title: "Deploy failed", message: "web-01 is away\n*Env:* prod\nby ann", priority: 4),
        Example(
            name: "Slack: section without a heading",
            body: #"{"blocks":[{"type":"section","text":{"type":"mrkdwn","text":"*a* and *b*"}}]}"#, title: "hook",
            message: "*a* and *b*"),
        Example(
            name: "UptimeRobot: down",
            body: #"""
                {"monitorID":"777","monitorURL":"https://shop.example","monitorFriendlyName":"Shop","alertType":"1",
                "alertTypeFriendlyName":"Down","alertDetails":"HTTP 503","alertDuration":"","alertDateTime":"1795888800"}
                """#,
            title: "Shop is Down", message: "HTTP 503", priority: 5, time: "2026-11-28T18:00:00.000Z"),
        Example(
            name: "UptimeRobot: up",
            body: #"{"monitorFriendlyName":"Shop","alertType":"2","alertTypeFriendlyName":"Up","alertDetails":"OK"}"#,
            title: "Shop is Up", message: "OK", priority: 2),
    ]

    /// Times, names and states that several senders write in these ways.
    static let more = [
        Example(
            name: "Ecowitt: the key of the station is a secret",
            body: #"{"PASSKEY":"ABCD","stationtype":"GW1100","dateutc":"2026-11-28 18:00:00","tempf":"41.2","humidity":"88"}"#,
            title: "hook", message: "stationtype: GW1100, tempf: 41.2, humidity: 88", time: "2026-11-28T18:00:00.000Z"),
        Example(
            name: "Pingdom: down",
            body: #"""
                {"check_id":12345,"check_name":"Shop","check_type":"HTTP","check_params":{"hostname":"www.example.com","port":443},
                "previous_state":"UP","current_state":"DOWN","state_changed_timestamp":1795888800,
                "long_description":"HTTP error 500","description":"HTTP"}
                """#,
            title: "Shop is DOWN", message: "HTTP", priority: 5, time: "2026-11-28T18:00:00.000Z"),
        Example(
            name: "Statuspage: component",
            body: #"""
                {"meta":{"unsubscribe":"http://x"},"page":{"id":"j2","status_indicator":"critical"},
                "component_update":{"created_at":"2026-11-28T18:00:00Z","new_status":"major_outage","old_status":"operational"},
                "component":{"id":"rb5","name":"API","status":"major_outage"}}
                """#,
            title: "API",
            message: "page status_indicator: critical, component_update new_status: major_outage, "
                + "component_update old_status: operational, component status: major_outage", priority: 5,
            time: "2026-11-28T18:00:00.000Z"),
        Example(
            name: "TrueNAS: a text beside a title and a level",
            body: #"{"hostname":"nas","level":"CRITICAL","title":"Pool tank is DEGRADED","text":"A device was removed"}"#,
            title: "Pool tank is DEGRADED", message: "A device was removed", priority: 5),
        Example(
            name: "Cloudflare: a text beside a name and a time",
            body: #"""
                {"name":"api health","text":"Health check changed from healthy to unhealthy","data":{"status":"Unhealthy",
                "reason":"HTTP timeout"},"ts":1795888800,"alert_type":"health_check_status_notification"}
                """#,
            title: "api health", message: "Health check changed from healthy to unhealthy", priority: 4,
            time: "2026-11-28T18:00:00.000Z"),
        Example(
            name: "Terraform Cloud: name of a workspace",
            body:
                #"{"run_id":"run-F","workspace_name":"web","notifications":[{"message":"Run Errored","run_status":"errored"}]}"#,
            title: "web", message: "Run Errored", priority: 4),
        Example(
            name: "Paperless: title of a document", body: #"{"doc_title":"Invoice March","correspondent":"ACME"}"#,
            title: "Invoice March", message: "correspondent: ACME"),
        Example(
            name: "Typeform: time of an answer",
            body: #"""
                {"event_type":"form_response","form_response":{"submitted_at":"2026-11-28T18:00:00Z",
                "definition":{"title":"Feedback"},"answers":[{"type":"text","text":"Cold"}]}}
                """#,
            title: "form_response: Feedback", message: "Cold", time: "2026-11-28T18:00:00.000Z"),
        Example(
            name: "AI on the edge: no error is no message", body: #"{"value":"521.1","error":"no error","rate":"0.02"}"#,
            subject: "watermeter/main/json", title: "watermeter main", message: "value: 521.1, error: no error, rate: 0.02"),
        Example(
            name: "Dynatrace: problem",
            body: #"{"PID":"99","ProblemTitle":"High failure rate","State":"OPEN","ProblemSeverity":"ERROR","Tags":"prod"}"#,
            title: "High failure rate", message: "PID: 99, State: OPEN, ProblemSeverity: ERROR", priority: 4),
        Example(
            name: "Statuspage: incident",
            body:
                #"{"page":{"id":"j"},"incident":{"impact":"critical","name":"Virginia","incident_updates":[{"body":"We look"}]}}"#,
            title: "Virginia", message: "We look", priority: 5),
        Example(
            name: "ServiceNow: short description",
            body: #"{"number":"INC0010023","short_description":"Mail is down","state":"New"}"#,
            title: "hook", message: "Mail is down", priority: 5),
        Example(
            name: "OpenDTU: reachable", body: "0", subject: "solar/116180212345/status/reachable",
            title: "solar 116180212345 is offline", message: "0", priority: 4),
        Example(
            name: "Nuki: battery", body: "true", subject: "nuki/45A2F2BF/batteryCritical",
            title: "nuki/45A2F2BF/batteryCritical", message: "true", priority: 4),
        Example(
            name: "ESP Easy: last will", body: "Connection Lost", subject: "espeasy/LWT", title: "espeasy",
            message: "Connection Lost", priority: 4),
    ]

    @Test(arguments: Self.examples + Self.more)
    func `a message names its thing and says what happened`(_ example: Example) {
        let now = Timestamp(milliseconds: 1_768_471_200_000)
        let message = ReceivedMessage(
            subject: example.subject, body: ByteBuffer(string: example.body), contentType: "application/json",
            attributes: Attributes(example.attributes))
        let event = Normaliser(source: "in", settings: NormaliseSettings(), bridge: "b").event(from: message, now: now).event
        #expect(event.title == example.title)
        #expect(event.message == example.message)
        #expect(event.priority == example.priority)
        #expect(event.timestamp == example.time.flatMap { Timestamp(rfc3339: $0) } ?? now)
    }
}
