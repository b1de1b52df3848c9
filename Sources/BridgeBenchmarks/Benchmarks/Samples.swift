import BridgeCore
import Logging
import NIOCore

/// Messages and bridges that the benchmarks share.
enum Samples {
    static let text = ByteBuffer(string: "The washing machine in the cellar has finished its long programme")
    static let vendor = ByteBuffer(
        string:
            #"{"device":"sensor-7","subject":"Cellar","body":"humidity is high","readings":{"humidity":81.5,"temp":14.2},"ok":true}"#
    )
    static let native = ByteBuffer(
        string: #"{"id":"msg_0199f2d3a1b07c3e9d5f112233445566","title":"Door","message":"the front door is open","priority":4,"#
            + #""tags":["door","home"],"timestamp":"2026-01-15T10:00:00.000Z","payload":{"state":"open","battery":87}}"#
    )

    static let deviceState = ByteBuffer(
        string: #"{"battery":87,"illuminance":12,"linkquality":120,"occupancy":true,"temperature":21.5,"voltage":2900}"#)
    /// Cases for messages of Zigbee2MQTT, of which the last is for states.
    static let deviceCases = """
        { cases: [
            { match: { subject: [zigbee2mqtt/bridge/devices, zigbee2mqtt/bridge/groups, zigbee2mqtt/bridge/definitions] }, drop: true },
            { match: { subject: zigbee2mqtt/bridge/# }, set: { tags: [zigbee2mqtt, bridge] } },
            { match: { subject: zigbee2mqtt/+/availability }, set: {
                title: "{{ $segments[1] }} is {{ .payload.state }}", tags: [zigbee2mqtt, availability],
                priority: { from: .payload.state, map: { offline: 4 }, default: 2 } } },
            { match: { any: [{ payload.smoke: true }, { payload.water_leak: true }] }, set: { priority: urgent } },
            { match: { payload.battery: { lt: 10 } }, set: { priority: high, tags: [zigbee2mqtt, battery] } },
            { set: {
                title: "{{ $segments[1] }}", tags: [zigbee2mqtt],
                message: { fields: .payload, except: [linkquality, voltage] } } } ] }
        """

    /// A notification of Alertmanager with two alerts.
    static let alerts = ByteBuffer(
        string: [
            #"{"receiver":"streambridge","status":"firing","alerts":["#,
            #"{"status":"firing","labels":{"alertname":"InstanceDown","instance":"web-01:9100","job":"node","sever"#,
            #"ity":"critical"},"annotations":{"summary":"web-01 is down","description":"web-01:9100 of job node ha"#,
            #"s been down for more than 5 minutes."},"startsAt":"2026-11-28T17:05:00.000Z","endsAt":"0001-01-01T00"#,
            #":00:00Z","generatorURL":"http://prometheus:9090/graph?g0.expr=up","fingerprint":"a1b2c3d4e5f60711"},"#,
            #"{"status":"firing","labels":{"alertname":"InstanceDown","instance":"web-02:9100","job":"node","sever"#,
            #"ity":"critical"},"annotations":{"summary":"web-02 is down","description":"web-02:9100 of job node ha"#,
            #"s been down for more than 5 minutes."},"startsAt":"2026-11-28T17:05:00.000Z","endsAt":"0001-01-01T00"#,
            #":00:00Z","generatorURL":"http://prometheus:9090/graph?g0.expr=up","fingerprint":"a1b2c3d4e5f60712"}]"#,
            #","groupLabels":{"alertname":"InstanceDown"},"commonLabels":{"alertname":"InstanceDown","job":"node","#,
            #""severity":"critical"},"#,
            #""commonAnnotations":{},"externalURL":"http://alertmanager:9093","version":"4","groupKey":"{}:{alertn"#,
            #"ame=\"InstanceDown\"}","truncatedAlerts":0}"#,
        ].joined())
    static let alertCases = """
        { cases: [
            { match: { payload.version: "4", payload.status: resolved }, set: { priority: low } },
            { match: { payload.version: "4" }, set: {
                title: "{{ .payload.commonLabels.alertname }}: {{ .payload.alerts[0].labels.instance }}",
                message: { join: [{ from: .payload.commonAnnotations.summary }, "{{ .payload.alerts[0].annotations.summary }}",
                    "{{ .payload.alerts[1].annotations.summary }}"], with: "; " },
                priority: { from: .payload.commonLabels.severity, map: { critical: 5, warning: 4 }, default: 3 },
                tags: ["{{ .payload.commonLabels.job }}", alertmanager],
                timestamp: { from: ".payload.alerts[0].startsAt" } } } ] }
        """

    /// Without an id, so that the same bytes are a new event each time.
    static let vendorDoor = ByteBuffer(
        string: #"{"title":"Door","message":"the front door is open","priority":4,"tags":["door","home"],"battery":87}"#)

    static func messages(_ body: ByteBuffer, count: Int, contentType: String? = nil) -> [ReceivedMessage] {
        (0..<count).map { index in
            ReceivedMessage(subject: "home/\(index % 8)/door", body: body, contentType: contentType)
        }
    }

    /// A bridge whose sources and sinks do not run: the caller drives its outlets and inlets.
    ///
    /// - Parameter pairs: how many sources and how many sinks it has.
    static func bridge(routes: [Route], pairs: Int = 1) -> Bridge {
        let metrics = Metrics()
        let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        return Bridge(
            sources: (0..<pairs).map { index in
                let name = index == 0 ? "in" : "in-\(index)"
                return SourceParts(
                    name: name, source: IdleSource(), acknowledge: .delivered, intake: IntakeSettings(bridge: "bench"),
                    retry: RetrySettings(),
                    metrics: ComponentMetrics(component: name, kind: "idle", direction: "source", metrics: metrics),
                    logger: logger
                )
            },
            sinks: (0..<pairs).map { index in
                let name = index == 0 ? "out" : "out-\(index)"
                return SinkParts(
                    name: name, sink: IdleSink(), delivery: DeliverySettings(),
                    metrics: ComponentMetrics(component: name, kind: "idle", direction: "sink", metrics: metrics), logger: logger
                )
            },
            table: RouteTable(routes: routes), metrics: metrics, logger: logger
        )
    }
}

/// A source that brings nothing by itself.
struct IdleSource: Source {
    struct Configuration: ComponentConfiguration {
        static let settings = Settings<Self> {}
    }
    static let kind: ComponentKind = "idle"

    init() {}
    init(configuration: Configuration, context: ComponentContext) {}

    func run(_ outlet: SourceOutlet) async throws {
        try await outlet.untilStopping()
    }
}

/// A sink that takes nothing by itself.
struct IdleSink: Sink {
    struct Configuration: SinkConfiguration {
        static let settings = Settings<Self> {}
    }
    static let kind: ComponentKind = "idle"

    init() {}
    init(variants: [Configuration], context: ComponentContext) {}

    func run(_ inlet: SinkInlet) async throws {}
}
