package import BridgeCore
package import Logging

/// A configuration file, read and checked: everything that the program needs to put the bridges together.
package struct BridgePlan: Sendable {
    package var service = ServiceSettings()
    package var http = HTTPSettings()
    package var log = LogPlan.memory(LogLimits())
    package var sources: [PreparedSource] = []
    package var sinks: [PreparedSink] = []
    /// Name their sinks by place in ``sinks``.
    package var routes: [Route] = []
    /// The place of the sink that takes what no route takes; `nil` means dropped and counted.
    package var unroutedSink: SinkIndex?
    /// `defaults.event`.
    package var limits = EventLimits()
    /// What may be meant, but looks like a mistake.
    package var warnings: [Diagnostic] = []
}

/// `log:` in the file.
package enum LogPlan: Sendable, Equatable {
    /// Ends with the program; `retain` are its bounds.
    case memory(LogLimits)
    /// Survives it.
    case disk(DurableLogSettings)

    /// Whether it survives the program.
    package var isDurable: Bool {
        if case .disk = self { true } else { false }
    }
}

/// `service:` in the file.
package struct ServiceSettings: Sendable {
    /// How log lines look.
    package enum LogFormat: String, Sendable, CaseIterable {
        case text
        case json
    }

    /// This bridge's name, see `Passage.origin`; `nil` lets the program choose one that no other bridge has.
    package var name: String?
    /// Where cursors are kept; `nil` keeps them in memory.
    package var stateDirectory: String?
    /// How long the end may take; default 30 s.
    package var drain: Duration = .seconds(30)
    /// How many bridges an event may cross, 1 to 255; default 8.
    package var maximumHops = 8
    package var logLevel = Logger.Level.info
    package var logFormat = LogFormat.text
}

/// `http:` in the file: the one listener for streams, webhooks and operations.
package struct HTTPSettings: Sendable {
    /// The host to listen on; default 127.0.0.1.
    package var host = "127.0.0.1"
    /// Default 8080; 0 lets the system choose.
    package var port = 8080
    /// PEM files of the certificate with its chain, and of its key.
    package var certificateFile: String?
    package var keyFile: String?
    /// Connections at once, streams included; `nil` derives it from the limit of open files, up to 100 000.
    package var maximumConnections: Int?
    /// Who may read streams and write to webhooks; `nil` leaves that to the tokens of each.
    package var access: AccessSettings?
    /// Who sees metrics and the details of readiness; `nil` means this machine.
    package var admin: AdminSettings?
    /// How much memory clients may take.
    package var limits = HTTPLimits()
    /// Names, addresses, `*.` and a name, or `*` that requests may be for, in lower case; `nil`: with a loopback ``host`` the names and
    /// addresses of the machine itself, else all.
    package var allowedHosts: [String]?
    /// Origins whose pages may write, in lower case; `*` for all.
    package var publishOrigins: [String] = []
    /// Proxies whose word about a client's address is believed.
    package var trustedProxies: [AddressRange] = []
}

/// `http.limits` in the file.
package struct HTTPLimits: Sendable, Equatable {
    /// Bytes of request bodies and unsent answers in memory, of all connections; default 32 MiB.
    package var buffered: Int
    /// The same of one connection with HTTP/2; default 8 MiB.
    package var bufferedPerConnection: Int
    /// Streams at once on one connection with HTTP/2, 100 to 250; default 200.
    package var streamsPerConnection: Int

    package init(buffered: Int = 32 << 20, bufferedPerConnection: Int = 8 << 20, streamsPerConnection: Int = 200) {
        self.buffered = buffered
        self.bufferedPerConnection = bufferedPerConnection
        self.streamsPerConnection = streamsPerConnection
    }
}

/// One source, ready to be made.
package struct PreparedSource: Sendable {
    package let name: String
    package let registration: SourceRegistration
    package let settings: DecodedSettings
    package let acknowledge: AcknowledgePolicy
    package let normalise: NormaliseSettings
    /// Whether known losses become gap events (`on_gap: emit`) or are only counted.
    package let emitsGaps: Bool
    package let retry: RetrySettings
    /// Whether the program is ready only while it is connected.
    package let isRequired: Bool
    /// The files that its settings name.
    package let files: [ReferredFile]
}

/// One sink, ready to be made.
package struct PreparedSink: Sendable {
    package let name: String
    package let registration: SinkRegistration
    /// Its own settings, then those of every different `with:` in the routes.
    package var variants: [DecodedSettings]
    package let delivery: DeliverySettings
    /// Whether the program is ready only while it is connected.
    package let isRequired: Bool
    /// The files that its settings name.
    package let files: [ReferredFile]
}
