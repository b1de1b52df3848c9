import BridgeCore
import Mosquitto
import NIOCore

/// How to reach a broker: what the source and the sink have in common.
struct MQTTConnectionSettings: SettingGroup {
    var address = MQTTAddress()
    /// `nil` means one that is derived from the names of the bridge and the component, and stays the same across
    /// restarts.
    var clientID: String?
    var version = MQTTVersion.five
    private var givenUser: String?
    private var givenPassword: Secret?
    /// With `mqtts://` only, where it is optional.
    var tls: TLSSettings?
    /// 0 for none.
    var keepAlive = Duration.seconds(30)
    /// How long the broker keeps our session while we are disconnected.
    ///
    /// The source and the sink have their own defaults.
    var sessionExpiry: Duration?
    /// Published by the broker when the connection is lost, and by us when we stop.
    var will: MQTTAnnouncement?
    /// Published after each connect.
    var birth: MQTTAnnouncement?

    static let settings = Settings<Self> {
        Setting(
            required: "url", \.address,
            SettingCodec<String>.text("URL").map { text in
                do {
                    return try MQTTAddress(parsing: text)
                } catch let error as MQTTTextError {
                    throw SettingError(error.description)
                }
            },
            "Broker to connect to, with mqtt:// or, for TLS, mqtts://"
        ).example("'mqtt://127.0.0.1:1883'")
        Setting(
            "client_id", \.clientID,
            .text.checked { id in
                if id.isEmpty { return "a client id has at least one character; leave the key out for a generated one" }
                return id.utf8.count > 65_535 || !MQTTText.isHarmless(id)
                    ? "a client id has at most 65535 bytes, and no control characters" : nil
            },
            default: "derived from the names of the bridge and the component", "Client identifier, different for each replica"
        ).example("home-bridge")
        Setting("protocol", \.version, .choice, "Version of MQTT")
        Setting("user", \.givenUser, .text, default: "the user in the URL", "User at the broker").example("bridge")
        Setting("password", \.givenPassword, .secret, default: "the password in the URL", "Password at the broker")
        Setting("tls", \.tls, .group, "How a broker is reached with mqtts://")
        Setting(
            "keep_alive", \.keepAlive,
            .wholeSeconds(in: .zero ... .seconds(65_535)).checked { duration in
                duration == .zero || (.seconds(5) ... .seconds(65_535)).contains(duration)
                    ? nil : "\(duration.components.seconds) s is out of range; 5s to 18h is allowed, or 0s for none"
            },
            "Interval of the pings that find out whether the connection is alive; 0s for none")
        Setting(
            "session_expiry", \.sessionExpiry, .wholeSeconds(in: .zero ... .longest),
            default: "1h for a source with any subscription of qos 1", "How long the broker keeps the session of a source")
        Setting("will", \.will, .group, "Message that the broker publishes when the connection is lost")
        Setting("birth", \.birth, .group, "Message that is published after each connect")
    }

    /// The configured user, otherwise that of the URL.
    var user: String? { self.givenUser ?? self.address.user }

    /// The configured password, otherwise that of the URL.
    var password: Secret? { self.givenPassword ?? self.address.password }

    /// The texts that messages must not repeat.
    var secrets: SecretTexts {
        var secrets = SecretTexts()
        secrets.add(user: self.user, password: self.password)
        return secrets
    }

    /// The client id for a component, unless it is configured.
    func clientID(for context: ComponentContext, direction: String) -> String {
        self.clientID ?? "\(context.bridge)-\(context.name)-\(direction)"
    }

    /// The client id, which two components cannot share.
    var exclusiveResources: [Resource] {
        self.clientID.map { [Resource("client id", "\($0) at \(self.address)")] } ?? []
    }

    func validate() throws {
        try self.tls?.validatePair(at: "tls")
        if self.tls != nil, !self.address.isSecure {
            throw SettingError(at: "tls", because: "tls applies to mqtts:// only; the url is \(self.address)")
        }
        if self.password != nil, self.user == nil {
            throw SettingError(at: "password", because: "a password needs a user; set user")
        }
    }
}

/// `will:` and `birth:`: a message about ourselves.
struct MQTTAnnouncement: SettingGroup {
    var topic = ""
    var payload = ""
    /// 0 or 1.
    var qos = 1
    /// True by default, so that a new subscriber gets the current state.
    var isRetained = true

    static let settings = Settings<Self> {
        Setting(
            required: "topic", \.topic,
            .text("topic").checked { topic in
                MQTTPropertySettings.isTopic(topic) && topic.utf8.count <= 65_535 && MQTTText.isHarmless(topic)
                    ? nil
                    : "'\(MQTTText.harmless(topic))' is not a topic; write one without '+', '#' and control characters"
            },
            "Topic of the message"
        ).example("bridge/status")
        Setting("payload", \.payload, .text, "Content of the message").example("online")
        Setting("qos", \.qos, .qos, "Quality of service of the message")
        Setting("retain", \.isRetained, .flag, "Whether the broker retains the message for new subscribers")
    }

    init() {}

    /// Makes a retained message of QoS 1.
    init(topic: String, payload: String) {
        self.topic = topic
        self.payload = payload
    }

    var buffer: ByteBuffer { ByteBuffer(string: self.payload) }
}
