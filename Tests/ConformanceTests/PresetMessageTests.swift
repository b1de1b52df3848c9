import JSON
import NIOCore
import Testing

@testable import BridgeCore

/// Messages beyond the corpus with the preset of their sender: one from the documentation or source of each sender that it names, and
/// the forms that users have met.
struct PresetMessageTests {
    struct Message: CustomTestStringConvertible, Sendable {
        let preset: String
        let subject: String
        let body: String
        var attributes: [Attributes.Element] = []
        var type: String?
        /// `nil` drops the message.
        let title: String?
        var message: String?
        var priority: Int?
        var tags: [String]?
        var time: String?

        var testDescription: String { "\(self.preset): \(self.title ?? "dropped") \(self.subject)" }
    }

    @Test(
        arguments: Self.documented + Self.zigbee + Self.repositories + Self.others + Self.dangers + Self.comments
            + Self.monitors + Self.locks)
    func `a message becomes what a reader wants`(_ message: Message) throws {
        let settings = try SenderPresetTests.settings(ofPreset: message.preset)
        let normaliser = Normaliser(source: "x", settings: settings, bridge: "b")
        let now = Timestamp(milliseconds: 0)
        let received = ReceivedMessage(
            subject: message.subject, body: ByteBuffer(string: message.body), contentType: message.type,
            attributes: Attributes(message.attributes))
        let unpacked = normaliser.unpack([received]) { _ in false }
        normaliser.begin(unpacked.messages, now: now)
        defer { normaliser.endBatch() }
        let outcomes = unpacked.messages.enumerated().map { normaliser.event(from: $0.element, at: $0.offset, now: now) }
        #expect(outcomes.flatMap(\.failures).isEmpty, "\(outcomes.flatMap(\.failures))")
        let events = outcomes.filter { !$0.isNoise }.map(\.event)
        guard let title = message.title else {
            #expect(events.isEmpty)
            return
        }
        let event = try #require(events.count == 1 ? events[0] : nil)
        #expect(event.title == title)
        if let text = message.message { #expect(event.message == text) }
        #expect(event.priority == message.priority)
        if let tags = message.tags { #expect(event.tags == tags) }
        #expect(event.timestamp == (message.time.flatMap { Timestamp(rfc3339: $0) } ?? now))
    }

    /// Each from the source that its preset names.
    static let documented = [
        Message(
            preset: "shelly-gen1", subject: "shellies/shelly1-68C63AFA0C2B/input_event/0", body: #"{"event":"L","event_cnt":2}"#,
            title: "shelly1-68C63AFA0C2B input 0", message: "long push", priority: 2, tags: ["shelly", "input_event"]),
        Message(
            preset: "gitea", subject: "gitea",
            body: #"""
                {"ref":"refs/heads/develop","before":"28e1879d029cb852e4844d9c718537df08844e03",
                "after":"bffeb74224043ba2feb48d137756c8a9331c449a","commits":[{"id":"bffeb74224043ba2feb48d137756c8a9331c449a",
                "message":"Webhooks Yay!","author":{"name":"Gitea","email":"someone@gitea.io","username":"gitea"},
                "timestamp":"2017-03-13T13:52:11-04:00"}],"repository":{"id":140,"name":"webhooks","full_name":"gitea/webhooks"},
                "pusher":{"id":1,"login":"gitea","full_name":"Gitea","username":"gitea"}}
                """#,
            attributes: [("x-gitea-event", "push")], title: "gitea/webhooks: push to develop", message: "gitea: Webhooks Yay!",
            priority: 2, tags: ["gitea", "push"], time: "2017-03-13T17:52:11.000Z"),
        Message(
            preset: "radarr", subject: "radarr",
            body: #"""
                {"movie":{"id":1,"title":"Test Title","year":1970,"folderPath":"C:\\testpath","releaseDate":"1970-01-01"},
                "remoteMovie":{"tmdbId":1234,"imdbId":"5678","title":"Test title","year":1970},
                "release":{"quality":"Test Quality","qualityVersion":1,"releaseGroup":"Test Group","releaseTitle":"Test Title",
                "indexer":"Test Indexer","size":9999999},"eventType":"Grab","instanceName":"Radarr"}
                """#,
            title: "Grab: Test Title", message: "Test Quality from Test Indexer", priority: 2, tags: ["radarr", "Grab"]),
        Message(
            preset: "stripe", subject: "stripe",
            body: #"""
                {"id":"evt_1NG8Du2eZvKYlo2CUI79vXWy","object":"event","api_version":"2019-02-19","created":1686089970,"data":{"object":
                {"id":"seti_1NG8Du2eZvKYlo2C9XMqbR0x","object":"setup_intent","client_secret":"seti_1NG8Du2eZvKYlo2C9XMqbR0x_secret_x",
                "created":1686089970,"customer":null,"description":null,"livemode":false,"metadata":{},"status":"requires_confirmation",
                "usage":"off_session"}},"livemode":false,"pending_webhooks":0,"type":"setup_intent.created"}
                """#,
            title: "setup_intent.created", message: "requires_confirmation, seti_1NG8Du2eZvKYlo2C9XMqbR0x",
            priority: 3,
            tags: ["stripe", "setup_intent.created"], time: "2023-06-06T22:19:30.000Z"),
        Message(
            preset: "sentry", subject: "sentry",
            body: #"""
                {"action":"resolved","actor":{"id":"sentry","name":"Sentry","type":"application"},"data":{
                "description_text":"1000 events in the last 10 minutes\nFilter: level:error",
                "description_title":"Resolved: Too many errors","metric_alert":{"alert_rule":{"aggregate":"count()"}}}}
                """#,
            attributes: [("sentry-hook-resource", "metric_alert")], title: "Resolved: Too many errors",
            message: "1000 events in the last 10 minutes\nFilter: level:error", priority: 2,
            tags: ["sentry", "metric_alert", "resolved"]),
        Message(
            preset: "jellyfin", subject: "jellyfin",
            body: #"""
                {"ServerId":"d79d","ServerName":"jellyfin1","ServerVersion":"10.8.10","NotificationType":"PlaybackStart",
                "Timestamp":"2023-09-10T08:35:25.3996506+00:00","UtcTimestamp":"2023-09-10T08:35:25.3996527Z","Name":"Episode 1",
                "ItemType":"Episode","RunTime":"00:45:07","SeriesName":"Harbour","NotificationUsername":"ann","DeviceName":"TV"}
                """#,
            title: "PlaybackStart: Episode 1", message: "ann, TV, Harbour, jellyfin1", priority: 2,
            tags: ["jellyfin", "PlaybackStart"], time: "2023-09-10T08:35:25.399Z"),
        Message(
            preset: "plex", subject: "plex",
            body: #"""
                {"event":"media.play","user":true,"owner":true,"Account":{"id":1,"title":"elan"},"Server":{"title":"Office"},
                "Player":{"local":true,"publicAddress":"200.200.200.200","title":"Plex Web (Safari)"},"Metadata":{
                "librarySectionType":"artist","type":"track","title":"Love The One You're With","grandparentTitle":"Stephen Stills"}}
                """#,
            title: "media.play: Love The One You're With", message: "elan, Plex Web (Safari), Stephen Stills, Office",
            priority: 2,
            tags: ["plex", "media.play"]),
        Message(
            preset: "plex", subject: "plex", body: #"{"event":"admin.database.corrupted","Server":{"title":"Office"}}"#,
            title: "admin.database.corrupted", message: "Office", priority: 5),
        Message(
            preset: "proxmox", subject: "proxmox",
            body: #"""
                {"title":"vzdump backup status (pve01): backup failed","message":"VMID 100 failed","severity":"error",
                "timestamp":1795888800,"fields":{"type":"vzdump","hostname":"pve01","job-id":"backup-1"}}
                """#,
            title: "vzdump backup status (pve01): backup failed", message: "VMID 100 failed", priority: 5,
            tags: ["proxmox", "error", "vzdump", "pve01"], time: "2026-11-28T18:00:00.000Z"),
        Message(
            preset: "wikimedia", subject: "message",
            body: #"""
                {"$schema":"/mediawiki/recentchange/1.0.0","meta":{"uri":"https://en.wikipedia.org/wiki/Bernie_Ecclestone",
                "id":"48ae7d49-e28d-4ad5-9922-d2972e492ab7","dt":"2021-09-15T12:57:06Z","domain":"en.wikipedia.org",
                "stream":"mediawiki.recentchange","offset":3299628122},"id":1423007653,"type":"edit","namespace":0,
                "title":"Bernie Ecclestone","comment":"/* Racial statement */Fixed typo","timestamp":1631710626,
                "user":"2A02:C7F:2CA7:F700:DC87:1AF6:9C2B:4497","bot":false,"wiki":"enwiki"}
                """#,
            title: "enwiki: Bernie Ecclestone",
            message: "edit by 2A02:C7F:2CA7:F700:DC87:1AF6:9C2B:4497: /* Racial statement */Fixed typo", priority: 1,
            tags: ["wikimedia", "edit"], time: "2021-09-15T12:57:06.000Z"),
        Message(
            preset: "wikimedia", subject: "message", body: #"{"meta":{"domain":"canary"},"title":"x","type":"edit"}"#, title: nil),
        Message(
            preset: "mercure", subject: "message", body: "the content", title: "x", message: "the content", tags: ["mercure"]),
        Message(
            preset: "mercure", subject: "message", body: #"{"@id":"https://example.com/foo","@type":"Book","isbn":"1"}"#,
            title: "https://example.com/foo", message: "isbn: 1", tags: ["mercure", "Book"]),
        Message(
            preset: "valetudo", subject: "valetudo/robot/StatusStateAttribute/status", body: "cleaning",
            title: "robot is cleaning", message: "cleaning", priority: 2, tags: ["valetudo", "status"]),
        Message(
            preset: "valetudo", subject: "valetudo/robot/StatusStateAttribute/error",
            body: #"{"severity":{"kind":"none","level":"none"},"subsystem":"none","message":""}"#, title: nil),
        Message(
            preset: "valetudo", subject: "valetudo/robot/StatusStateAttribute/error",
            body: #"{"severity":{"kind":"permanent","level":"catastrophic"},"subsystem":"motors","message":"Main brush jammed"}"#,
            title: "robot error", message: "Main brush jammed", priority: 5, tags: ["valetudo", "error", "motors"]),
        Message(
            preset: "valetudo", subject: "valetudo/robot/BatteryStateAttribute/level/$datatype", body: "integer", title: nil),
        Message(
            preset: "valetudo", subject: "valetudo/robot/BatteryStateAttribute/level", body: "42",
            title: "robot level", message: "42", priority: 1, tags: ["valetudo", "BatteryStateAttribute"]),
        Message(
            preset: "rtl_433", subject: "rtl_433/pi/events",
            body: #"""
                {"time":"2019-07-07 00:20:41","model":"Digitech-XC0324","id":"90","temperature_C":20.000,"flags":128,"mic":"CHECKSUM"}
                """#,
            title: "Digitech-XC0324 90", message: "temperature_C: 20, flags: 128", priority: 1,
            tags: ["rtl_433", "Digitech-XC0324"]),
    ]

    private static let names = [
        ("zigbee2mqtt", "lamp"), ("zigbee2mqtt", "kitchen/lamp"), ("home/zigbee2mqtt", "kitchen/lamp"), ("z2m", "kitchen/lamp"),
    ]

    static let zigbee = Self.names.flatMap { base, name in
        [
            Message(
                preset: "zigbee2mqtt", subject: "\(base)/\(name)/availability", body: #"{"state":"offline"}"#,
                title: "\(name) is offline", message: "Zigbee2MQTT reports \(name) as offline", priority: 4,
                tags: ["zigbee2mqtt", "availability", "offline"]),
            Message(
                preset: "zigbee2mqtt", subject: "\(base)/\(name)/availability", body: "", title: name,
                message: "Zigbee2MQTT reports \(name)", priority: 2, tags: ["zigbee2mqtt", "availability"]),
            Message(
                preset: "zigbee2mqtt", subject: "\(base)/\(name)", body: #"{"state":"ON"}"#, title: name,
                message: "ON", priority: 2, tags: ["zigbee2mqtt", name]),
            Message(
                preset: "zigbee2mqtt", subject: "\(base)/\(name)/action", body: "single", title: name, message: "single",
                priority: 2, tags: ["zigbee2mqtt", "action", "single"]),
            Message(preset: "zigbee2mqtt", subject: "\(base)/\(name)/set", body: "{}", title: nil),
            Message(
                preset: "zigbee2mqtt", subject: "\(base)/bridge/state", body: #"{"state":"offline"}"#,
                title: "Zigbee2MQTT is offline", message: "The Zigbee2MQTT bridge is offline", priority: 5),
            Message(preset: "zigbee2mqtt", subject: "\(base)/bridge/devices", body: "[]", title: nil),
        ]
    }

    private static let zero = String(repeating: "0", count: 40)

    static let repositories = [
        Message(
            preset: "github", subject: "github",
            body:
                #"{"ref":"refs/heads/old/x","after":"\#(zero)","deleted":true,"head_commit":null,"repository":{"full_name":"a/b"},"pusher":{"name":"ann"}}"#,
            attributes: [("x-github-event", "push")], title: "a/b: deleted old/x", message: "ann: deleted refs/heads/old/x",
            priority: 2, tags: ["github", "push", "deleted"]),
        Message(
            preset: "github", subject: "github",
            body: #"{"ref":"v1","ref_type":"tag","repository":{"full_name":"a/b"},"sender":{"login":"ann"}}"#,
            attributes: [("x-github-event", "delete")], title: "a/b: delete tag v1", message: "ann: delete tag v1", priority: 2,
            tags: ["github", "delete", "tag"]),
        Message(
            preset: "github", subject: "github",
            body:
                #"{"ref":"refs/tags/v1","deleted":false,"head_commit":{"message":"m"},"repository":{"full_name":"a/b"},"pusher":{"name":"ann"}}"#,
            attributes: [("x-github-event", "push")], title: "a/b: push to v1", message: "ann: m", priority: 2),
        Message(
            preset: "gitlab", subject: "gitlab",
            body:
                #"{"object_kind":"push","ref":"refs/heads/old","after":"\#(zero)","user_name":"Ann","project":{"path_with_namespace":"a/b"},"commits":[]}"#,
            title: "a/b: deleted old", message: "Ann: deleted refs/heads/old", priority: 2, tags: ["gitlab", "push", "deleted"]),
        Message(
            preset: "gitlab", subject: "gitlab",
            body:
                #"{"object_kind":"tag_push","ref":"refs/tags/v1","after":"82b3","user_name":"Ann","project":{"path_with_namespace":"a/b"},"commits":[]}"#,
            title: "a/b: push to v1", message: "Ann: no commits", priority: 2, tags: ["gitlab", "tag_push"]),
        Message(
            preset: "gitea", subject: "gitea",
            body:
                #"{"ref":"refs/tags/v1","after":"\#(zero)","commits":null,"repository":{"full_name":"a/b"},"pusher":{"login":"ann"}}"#,
            attributes: [("x-gitea-event", "push")], title: "a/b: deleted v1", message: "ann: deleted refs/tags/v1", priority: 2,
            tags: ["gitea", "push", "deleted"]),
        Message(
            preset: "gitea", subject: "gitea",
            body:
                #"{"ref":"old","ref_type":"branch","pusher_type":"user","repository":{"full_name":"a/b"},"sender":{"login":"ann"}}"#,
            attributes: [("x-gitea-event", "delete")], title: "a/b: delete branch old", message: "ann: delete branch old",
            priority: 2, tags: ["gitea", "delete", "branch"]),
    ]

    static let others = [
        Message(
            preset: "ha-discovery", subject: "homeassistant/sensor/greenhouse/soil/config",
            body: #"""
                {"name":null,"uniq_id":"gh_soil","stat_t":"~/soil","avty_t":"~/status","~":"greenhouse",
                "dev":{"ids":["gh1"],"name":"Greenhouse"}}
                """#,
            title: "Discovered sensor: gh_soil", message: "Greenhouse, state topic greenhouse/soil", priority: 1,
            tags: ["homeassistant", "discovery", "sensor"]),
        Message(
            preset: "ha-discovery", subject: "homeassistant/switch/x/config", body: #"{"cmd_t":"a/set"}"#,
            title: "Discovered switch: x", priority: 1),
        Message(
            preset: "ha-discovery", subject: "homeassistant/device/x/config",
            body: #"{"device":{"name":"Pump"},"components":{"a":{},"b":{}}}"#, title: "Discovered device: Pump",
            message: "components: a, b", priority: 1),
        Message(
            preset: "ha-discovery", subject: "homeassistant/status", body: "", title: "Home Assistant",
            message: "homeassistant/status", priority: 2),
        Message(
            preset: "shelly", subject: "shellyplus1-0a1b/online", body: "false", title: "shellyplus1-0a1b is offline",
            message: "offline", priority: 4, tags: ["shelly", "online"]),
        Message(
            preset: "shelly", subject: "pump/online", body: "false", title: "pump is offline", message: "false", priority: 4,
            tags: []),
        Message(
            preset: "shelly", subject: "garage/status/switch:0", body: #"{"id":0,"output":true}"#, title: "garage switch:0",
            priority: 1, tags: ["shelly", "switch:0"]),
        Message(
            preset: "shelly-gen1", subject: "shellies/plug-1/relay/0", body: "overpower", title: "plug-1 relay 0 overpower",
            message: "overpower", priority: 4),
        Message(preset: "tasmota", subject: "tele/pump/LWT", body: "", title: "pump", message: "Tasmota pump", priority: 2),
        Message(preset: "esphome", subject: "esphome/node/status", body: "", title: "node", priority: 2),
        Message(preset: "frigate", subject: "frigate/available", body: "", title: "Frigate", priority: 2),
        Message(preset: "valetudo", subject: "valetudo/robot/$state", body: "", title: "robot", priority: 2),
        Message(preset: "openmqttgateway", subject: "home/gw/LWT", body: "", title: "gw", priority: 2),
        Message(
            preset: "celery", subject: "/0.celeryev/worker.heartbeat",
            body: #"{"body":"\#(Base64.text(of: #"{"type":"worker-heartbeat"}"#))"}"#, title: nil),
        Message(
            preset: "cloudevents", subject: "cloudevents",
            body: #"[{"specversion":"1.0","type":"paid","source":"/s","id":"B1","subject":"o1","data":{"total":1}}]"#,
            type: "application/json", title: "paid", message: "o1: total: 1", priority: 3, tags: ["cloudevents", "paid"]),
        Message(
            preset: "radarr", subject: "radarr",
            body: #"{"eventType":"HealthRestored","instanceName":"Radarr","level":"error","message":"Indexer is back"}"#,
            title: "Radarr health: restored", message: "Indexer is back", priority: 2),
        Message(
            preset: "sentry", subject: "sentry",
            body: #"{"action":"resolved","data":{"issue":{"title":"T","level":"error","project":{"name":"web"}}}}"#,
            attributes: [("sentry-hook-resource", "issue")], title: "web: resolved: T", message: "T", priority: 2),
    ]
}
