/// Messages of which a reader wants to know the danger, the words of a person, or the time at which they happened.
extension PresetMessageTests {
    /// Dangers, failures and devices.
    static let dangers = [
        Message(
            preset: "shelly", subject: "shellysmoke-1/status/smoke:0",
            body: #"{"id":0,"alarm":true,"mute":false}"#,
            title: "shellysmoke-1 smoke:0", priority: 5),
        Message(
            preset: "shelly", subject: "shelly-1/events/rpc",
            body: #"{"src":"shelly-1","method":"NotifyStatus","params":{"ts":1795888800,"flood:0":{"id":0,"alarm":true}}}"#,
            title: "shelly-1 NotifyStatus", priority: 5, time: "2026-11-28T18:00:00.000Z"),
        Message(
            preset: "shelly", subject: "shelly-1/status/switch:0",
            body: #"{"id":0,"output":false,"errors":["overtemp"]}"#,
            title: "shelly-1 switch:0", priority: 4),
        Message(
            preset: "rtl_433", subject: "rtl_433/pi/events",
            body: #"{"model":"Govee-Water","id":7,"event":"Water Leak","battery_ok":1}"#,
            title: "Govee-Water 7", priority: 5),
        Message(
            preset: "rtl_433", subject: "rtl_433/pi/events",
            body: #"{"model":"Leak","id":7,"detect_wet":1}"#,
            title: "Leak 7", priority: 5),
        Message(
            preset: "rtl_433", subject: "rtl_433/pi/events",
            body: #"{"model":"Door","id":7,"alarm":1,"tamper":1}"#,
            title: "Door 7", priority: 5),
        Message(
            preset: "rtl_433", subject: "rtl_433/pi/events",
            body: #"{"model":"Door","id":7,"alarm":0,"tamper":1,"battery_ok":0}"#,
            title: "Door 7 battery low", priority: 5),
        Message(
            preset: "rtl_433", subject: "rtl_433/pi/events",
            body: #"{"model":"Door","id":7,"alarm":0,"tamper":0,"battery_ok":0}"#,
            title: "Door 7 battery low", priority: 4),
        Message(
            preset: "tasmota", subject: "tele/zb/SENSOR",
            body: #"{"ZbReceived":{"0xA1":{"Device":"0xA1","Name":"Cellar","Water":1}}}"#,
            title: "zb Cellar", priority: 5),
        Message(
            preset: "tasmota", subject: "tele/zb/SENSOR",
            body: #"{"ZbReceived":{"0xA1":{"Device":"0xA1","Name":"Cellar","Water":0}}}"#,
            title: "zb Cellar", priority: 1),
        Message(
            preset: "tasmota", subject: "tele/home/kitchen/plug/LWT",
            body: #"Offline"#,
            title: "plug is Offline", message: "Tasmota plug: Offline", priority: 4),
        Message(
            preset: "tasmota", subject: "stat/home/kitchen/plug/POWER",
            body: #"ON"#,
            title: "plug", message: "POWER: ON", priority: 2),
        Message(
            preset: "esphome", subject: "esphome/hall/alarm_control_panel/house/state",
            body: #"triggered"#,
            title: "hall house", message: "triggered", priority: 5),
        Message(
            preset: "esphome", subject: "esphome/hall/binary_sensor/smoke_alarm/state",
            body: #"ON"#,
            title: "hall smoke_alarm", message: "ON", priority: 5),
        Message(
            preset: "zigbee2mqtt", subject: "zigbee2mqtt/remote/action",
            body: #"emergency"#,
            title: "remote", message: "emergency", priority: 5),
        Message(
            preset: "zigbee2mqtt", subject: "zigbee2mqtt/remote",
            body: #"{"action":"emergency"}"#,
            title: "remote", message: "emergency", priority: 5),
        Message(
            preset: "zigbee2mqtt", subject: "zigbee2mqtt/plug",
            body: #"{"fault":"over_current","power":1}"#,
            title: "plug", priority: 4),
        Message(
            preset: "zigbee2mqtt", subject: "zigbee2mqtt/blind",
            body: #"{"state":"ON","level":40}"#,
            title: "blind", priority: 2),
        Message(
            preset: "zigbee2mqtt", subject: "zigbee2mqtt/bridge/event",
            body: #"{"type":"device_interview","data":{"friendly_name":"lamp","status":"failed"}}"#,
            title: "device_interview failed: lamp", message: "Zigbee device lamp: device_interview failed", priority: 4),
        Message(
            preset: "frigate", subject: "frigate/reviews",
            body:
                #"{"type":"end","after":{"severity":"alert","camera":"drive","start_time":1795888790,"end_time":1795888800,"data":{"objects":["person"],"zones":[]}}}"#,
            title: "alert on drive ended", message: "person", priority: 2, time: "2026-11-28T18:00:00.000Z"),
        Message(
            preset: "sonarr", subject: "sonarr",
            body:
                #"{"eventType":"ManualInteractionRequired","series":{"title":"Harbour"},"downloadClient":"qb","release":{"releaseTitle":"H.S01"}}"#,
            title: "ManualInteractionRequired: Harbour", message: "H.S01, qb", priority: 4),
        Message(
            preset: "sonarr", subject: "sonarr",
            body: #"{"eventType":"Health","level":"error","message":"m"}"#,
            title: "Sonarr health: error", message: "m", priority: 5),
        Message(
            preset: "sonarr", subject: "sonarr",
            body:
                #"{"eventType":"Grab","series":{"title":"Harbour"},"episodes":[{"seasonNumber":1,"episodeNumber":2,"title":"A"},{"seasonNumber":1,"episodeNumber":3,"title":"B"}],"release":{"quality":"Q"}}"#,
            title: "Grab: Harbour S01E02 A, S01E03 B", message: "Q", priority: 2),
        Message(
            preset: "jellyfin", subject: "jellyfin",
            body:
                #"{"NotificationType":"TaskCompleted","TaskName":"Scan","ResultStatus":"Failed","ResultErrorMessage":"disk","ServerName":"s","EndTime":"2026-11-28T18:00:00Z"}"#,
            title: "TaskCompleted: Scan: Failed", message: "disk, s", priority: 4, time: "2026-11-28T18:00:00.000Z"),
        Message(
            preset: "jellyfin", subject: "jellyfin",
            body: #"{"NotificationType":"AuthenticationFailure","Username":"mallory","ServerName":"s"}"#,
            title: "AuthenticationFailure", message: "mallory, s", priority: 4),
        Message(
            preset: "plex", subject: "plex",
            body:
                #"{"event":"media.play","Metadata":{"title":"Film","updatedAt":1600000000,"addedAt":1600000000},"Account":{"title":"ann"}}"#,
            title: "media.play: Film", message: "ann", priority: 2),
        Message(
            preset: "owntracks", subject: "owntracks/ann/phone/event",
            body: #"{"_type":"transition","event":"leave","tst":1795888800}"#,
            title: "ann: leave", message: "ann phone: leave", priority: 3, time: "2026-11-28T18:00:00.000Z"),
        Message(
            preset: "owntracks", subject: "owntracks/ann/phone",
            body: #"{"_type":"lwt","tst":1795880000}"#,
            title: "ann phone is offline", priority: 2),
        Message(
            preset: "healthchecks", subject: "healthchecks",
            body: #"{"name":"Backup","status":"down","last_ping":null,"tags":""}"#,
            title: "Backup is down", message: "no ping yet", priority: 5),
        Message(
            preset: "healthchecks", subject: "healthchecks",
            body: #"Backup is up"#,
            title: "Backup is up", message: "Backup is up", priority: 2),
        Message(
            preset: "alertmanager", subject: "alertmanager",
            body:
                #"{"status":"firing","alerts":[{"status":"resolved","labels":{"severity":"warning"},"annotations":{"summary":"a is down"},"startsAt":"2026-11-28T17:00:00Z"},{"status":"firing","labels":{"severity":"critical"},"annotations":{"summary":"b is down"},"startsAt":"2026-11-28T18:00:00Z"}],"groupLabels":{"alertname":"Down"},"commonLabels":{"alertname":"Down"},"commonAnnotations":{}}"#,
            title: "[FIRING:1] Down", message: "b is down\nResolved: a is down", priority: 5, time: "2026-11-28T18:00:00.000Z"),
        Message(
            preset: "alertmanager", subject: "alertmanager",
            body:
                #"{"status":"firing","alerts":[{"status":"firing","labels":{"severity":"none"}}],"commonLabels":{"alertname":"Watchdog","severity":"none"},"commonAnnotations":{"summary":"alive"}}"#,
            title: "[FIRING:1] Watchdog", message: "alive", priority: 1),
        Message(
            preset: "sentry", subject: "sentry",
            body:
                #"{"action":"created","actor":{"name":"ann"},"data":{"installation":{"code":"secret123","app":{"slug":"bridge"}}}}"#,
            attributes: [("sentry-hook-resource", "installation")], title: "Sentry installation created", message: "ann: bridge",
            priority: 2),
    ]

    /// Comments, reviews and results of repositories.
    static let comments = [
        Message(
            preset: "github", subject: "github",
            body:
                #"{"action":"submitted","review":{"user":{"login":"ann"},"body":"Looks good","state":"approved","submitted_at":"2026-11-28T18:00:00Z"},"pull_request":{"number":3,"title":"T","body":"text","merged":true,"merged_at":"2026-11-28T18:00:00Z"},"repository":{"full_name":"a/b"},"sender":{"login":"eve"}}"#,
            attributes: [("x-github-event", "pull_request_review")], title: "a/b: review of 3: approved: T",
            message: "ann: Looks good", priority: 3, time: "2026-11-28T18:00:00.000Z"),
        Message(
            preset: "github", subject: "github",
            body:
                #"{"action":"dismissed","review":{"user":{"login":"ann"},"body":null,"state":"dismissed","submitted_at":"2026-11-01T18:00:00Z"},"pull_request":{"number":3,"title":"T","body":"text","merged":true,"merged_at":"2026-11-28T18:00:00Z"},"repository":{"full_name":"a/b"},"sender":{"login":"eve"}}"#,
            attributes: [("x-github-event", "pull_request_review")], title: "a/b: review of 3 dismissed: T",
            message: "ann: dismissed", priority: 3),
        Message(
            preset: "github", subject: "github",
            body:
                #"{"action":"created","comment":{"user":{"login":"ann"},"body":"why?","updated_at":"2026-11-28T18:00:00Z"},"pull_request":{"number":3,"title":"T","body":"text","merged":true,"merged_at":"2026-11-28T18:00:00Z"},"repository":{"full_name":"a/b"},"sender":{"login":"eve"}}"#,
            attributes: [("x-github-event", "pull_request_review_comment")], title: "a/b: comment on 3: T", message: "ann: why?",
            priority: 3, time: "2026-11-28T18:00:00.000Z"),
        Message(
            preset: "github", subject: "github",
            body:
                #"{"action":"deleted","comment":{"user":{"login":"ann"},"body":"why?","updated_at":"2026-11-01T18:00:00Z"},"issue":{"number":7,"title":"I"},"repository":{"full_name":"a/b"},"sender":{"login":"eve"}}"#,
            attributes: [("x-github-event", "issue_comment")], title: "a/b: comment deleted on 7: I",
            message: "eve deleted the comment of ann: why?", priority: 3),
        Message(
            preset: "github", subject: "github",
            body:
                #"{"action":"closed","number":3,"pull_request":{"number":3,"title":"T","body":"text","merged":true,"merged_at":"2026-11-28T18:00:00Z"},"repository":{"full_name":"a/b"},"sender":{"login":"eve"}}"#,
            attributes: [("x-github-event", "pull_request")], title: "a/b: pull request 3 merged: T", message: "text",
            priority: 3, time: "2026-11-28T18:00:00.000Z"),
        Message(
            preset: "github", subject: "github",
            body:
                #"{"ref":"refs/tags/v1","head_commit":{"message":"m","timestamp":"2026-01-01T00:00:00Z"},"pusher":{"name":"ann"},"repository":{"full_name":"a/b"},"sender":{"login":"eve"}}"#,
            attributes: [("x-github-event", "push")], title: "a/b: push to v1", message: "ann: m", priority: 2),
        Message(
            preset: "github", subject: "github",
            body:
                #"{"action":"created","release":{"tag_name":"v1","name":"One","created_at":"2026-01-01T00:00:00Z","published_at":null,"body":"notes"},"repository":{"full_name":"a/b"},"sender":{"login":"eve"}}"#,
            attributes: [("x-github-event", "release")], title: "a/b: release v1 created", message: "notes", priority: 3),
        Message(
            preset: "github", subject: "github",
            body:
                #"{"action":"deleted","issue":{"number":7,"title":"I","updated_at":"2026-01-01T00:00:00Z"},"repository":{"full_name":"a/b"},"sender":{"login":"eve"}}"#,
            attributes: [("x-github-event", "issues")], title: "a/b: issue 7 deleted: I", message: "eve: deleted I", priority: 3),
        Message(
            preset: "gitlab", subject: "gitlab",
            body:
                #"{"object_kind":"note","user":{"username":"ann"},"project":{"path_with_namespace":"a/b"},"object_attributes":{"note":"why?","noteable_type":"Issue","updated_at":"2026-11-28 18:00:00 UTC"},"issue":{"title":"I"}}"#,
            title: "a/b: comment on Issue: I", message: "ann: why?", priority: 3, time: "2026-11-28T18:00:00.000Z"),
        Message(
            preset: "gitlab", subject: "gitlab",
            body:
                #"{"object_kind":"build","ref":"main","build_name":"test","build_stage":"unit","build_status":"failed","build_started_at":"2026-11-28 17:00:00 UTC","build_finished_at":"2026-11-28 18:00:00 UTC","commit":{"message":"m"},"project":{"path_with_namespace":"a/b"}}"#,
            title: "a/b: job test failed", message: "unit on main: m", priority: 4, time: "2026-11-28T18:00:00.000Z"),
        Message(
            preset: "gitlab", subject: "gitlab",
            body: #"{"object_kind":"issue","project":{"path_with_namespace":"a/b"},"object_attributes":{}}"#,
            title: "a/b: issue", priority: 3),
        Message(
            preset: "gitlab", subject: "gitlab",
            body:
                #"{"object_kind":"pipeline","project":{"path_with_namespace":"a/b"},"commit":{"title":"m"},"object_attributes":{"id":5,"ref":"main","status":"failed","created_at":"2026-11-28 17:00:00 UTC","finished_at":"2026-11-28 18:00:00 UTC"}}"#,
            title: "a/b: pipeline 5 failed", message: "m on main", priority: 4, time: "2026-11-28T18:00:00.000Z"),
        Message(
            preset: "gitea", subject: "gitea",
            body:
                #"{"action":"created","issue":{"number":7,"title":"I"},"comment":{"user":{"login":"ann"},"body":"why?","updated_at":"2026-11-28T18:00:00Z"},"repository":{"full_name":"a/b"},"sender":{"login":"eve"}}"#,
            attributes: [("x-gitea-event", "issue_comment")], title: "a/b: comment on 7: I", message: "ann: why?", priority: 3,
            time: "2026-11-28T18:00:00.000Z"),
        Message(
            preset: "gitea", subject: "gitea",
            body:
                #"{"action":"reviewed","number":3,"review":{"type":"pull_request_review_approved","content":""},"pull_request":{"number":3,"title":"T","body":"text","merged":true,"merged_at":"2026-11-28T18:00:00Z"},"repository":{"full_name":"a/b"},"sender":{"login":"eve"}}"#,
            attributes: [("x-gitea-event", "pull_request_approved")], title: "a/b: review of 3: approved: T",
            message: "eve: approved", priority: 3),
        Message(
            preset: "gitea", subject: "gitea",
            body:
                #"{"action":"closed","number":3,"pull_request":{"number":3,"title":"T","body":"text","merged":true,"merged_at":"2026-11-28T18:00:00Z"},"repository":{"full_name":"a/b"},"sender":{"login":"eve"}}"#,
            attributes: [("x-gitea-event", "pull_request")], title: "a/b: pull request 3 merged: T", message: "text", priority: 3,
            time: "2026-11-28T18:00:00.000Z"),
        Message(
            preset: "gitlab", subject: "gitlab",
            body:
                #"{"object_kind":"tag_push","ref":"refs/tags/v1","after":"82b3","user_name":"Ann","project":{"path_with_namespace":"a/b"},"commits":[{"title":"m","timestamp":"2026-01-01T00:00:00Z"}]}"#,
            title: "a/b: push to v1", message: "Ann: m", priority: 2),
        Message(
            preset: "gitea", subject: "gitea",
            body:
                #"{"ref":"refs/tags/v1","after":"82b3","head_commit":{"message":"m","timestamp":"2026-01-01T00:00:00Z"},"repository":{"full_name":"a/b"},"pusher":{"login":"ann"}}"#,
            attributes: [("x-gitea-event", "push")], title: "a/b: push to v1", message: "ann: m", priority: 2),
    ]
}
