package import BridgeCore
package import Logging

/// A validated configuration file: everything that the program needs to assemble the bridge.
package struct BridgePlan: Sendable {
    /// `service`, with defaults.
    package var service = ServiceSettings()
    /// `http`, with defaults.
    package var http = HTTPSettings()
    /// `log`, by default in memory.
    package var log = LogPlan.memory(LogLimits())
    /// The sources in the order of the file.
    package var sources: [PreparedSource] = []
    /// The sinks in the order of the file.
    package var sinks: [PreparedSink] = []
    /// The routes in the order of the file; their targets are indices into ``sinks``.
    package var routes: [Route] = []
    /// The sink of events that no route takes; `nil` drops and counts them.
    package var unroutedSink: SinkIndex?
    /// `defaults.event`, with defaults.
    package var limits = EventLimits()
    /// Settings that are valid but probably mistakes.
    package var warnings: [Diagnostic] = []
}

/// `log`: where events are kept until their sinks have confirmed them.
package enum LogPlan: Sendable, Equatable {
    /// A log in memory, lost when the program ends; `retain` sets the limits.
    case memory(LogLimits)
    /// A log on disk, which survives the program.
    case disk(DurableLogSettings)

    /// Whether the log survives the program.
    package var isDurable: Bool {
        if case .disk = self { true } else { false }
    }
}

/// `service`: settings of the whole program.
package struct ServiceSettings: Sendable {
    /// The format of log lines.
    package enum LogFormat: String, Sendable, CaseIterable {
        /// Readable text.
        case text
        /// One JSON object per line.
        case json
    }

    /// This bridge's name, see `Passage.origin`; `nil` generates a unique one.
    ///
    /// 1 to 64 letters, digits, `.`, `_` and `-`.
    package var name: String?
    /// The directory of the cursors; `nil` keeps them in memory.
    package var stateDirectory: String?
    /// The limit on the duration of a shutdown; default 30 s.
    package var drain: Duration = .seconds(30)
    /// How many bridges an event may cross, this one included, 1 to 255; default 8.
    package var maximumHops = 8
    /// The lowest level that is logged; default `info`.
    package var logLevel = Logger.Level.info
    /// The format of log lines; default ``LogFormat/text``.
    package var logFormat = LogFormat.text
}

/// `http`: the listener for streams, webhooks and operations.
package struct HTTPSettings: Sendable {
    /// The host to listen on; default 127.0.0.1, `::` for all addresses.
    package var host = "127.0.0.1"
    /// The port; default 8080, 0 lets the system choose.
    package var port = 8080
    /// The PEM file of the certificate with its chain; `nil` serves without TLS.
    package var certificateFile: String?
    /// The PEM file of the certificate's private key.
    package var keyFile: String?
    /// The limit on connections, streams included; `nil` derives it from the limit of open files, up to 100 000.
    package var maximumConnections: Int?
    /// Authorises readers of streams and writers of webhooks; `nil` leaves that to the tokens of each component.
    package var access: AccessSettings?
    /// Authorises readers of metrics and readiness details; `nil` allows clients of this machine only.
    package var admin: AdminSettings?
    /// The limits on memory and streams.
    package var limits = HTTPLimits()
    /// The accepted values of `Host`, in lower case: names, addresses, `*.` and a name, or `*`.
    ///
    /// `nil` accepts the names and addresses of this machine when ``host`` is loopback, else every value.
    package var allowedHosts: [String]?
    /// Origins whose pages may publish, in lower case; `*` for every origin.
    package var publishOrigins: [String] = []
    /// Proxies whose information about a client's address is trusted.
    package var trustedProxies: [AddressRange] = []
}

/// `http.limits`: limits on the memory that clients occupy.
package struct HTTPLimits: Sendable, Equatable {
    /// The bytes of request bodies and unsent answers in memory, over all connections; default 32 MiB.
    package var buffered: Int
    /// The same for one HTTP/2 connection, at most ``buffered``; default 8 MiB.
    package var bufferedPerConnection: Int
    /// The limit on concurrent streams of one HTTP/2 connection (RFC 9113 §5.1.2), 100 to 250; default 200.
    package var streamsPerConnection: Int

    /// Makes limits, by default those of a file without the key.
    package init(buffered: Int = 32 << 20, bufferedPerConnection: Int = 8 << 20, streamsPerConnection: Int = 200) {
        self.buffered = buffered
        self.bufferedPerConnection = bufferedPerConnection
        self.streamsPerConnection = streamsPerConnection
    }
}

/// One source of the file with its decoded settings.
package struct PreparedSource: Sendable {
    /// Its key in `sources`.
    package let name: String
    /// Makes the source.
    package let registration: SourceRegistration
    /// The settings of its adapter.
    package let settings: DecodedSettings
    /// `ack`: when a message counts as safe.
    package let acknowledge: AcknowledgePolicy
    /// Its own mapping of messages to events.
    package let normalise: NormaliseSettings
    /// Whether known losses become gap events (`on_gap: emit`) or are only counted.
    package let emitsGaps: Bool
    /// The back-off between its connection attempts.
    package let retry: RetrySettings
    /// Whether readiness requires its connection.
    package let isRequired: Bool
    /// The files that its settings name.
    package let files: [ReferredFile]
}

/// One sink of the file with its decoded settings.
package struct PreparedSink: Sendable {
    /// Its key in `sinks`.
    package let name: String
    /// Makes the sink.
    package let registration: SinkRegistration
    /// Its own settings first, then those of every distinct `with` in the routes.
    package var variants: [DecodedSettings]
    /// Its buffer, back-off and dead-letter sink.
    package let delivery: DeliverySettings
    /// Whether readiness requires its connection.
    package let isRequired: Bool
    /// The files that its settings name.
    package let files: [ReferredFile]
}
