import BridgeCore
import NIOCore

/// How to reach a broker: what the source and the sink have in common.
struct MQTTConnectionSettings: Sendable {
    /// The version that is spoken: `protocol:`.
    enum Version: String, CaseIterable, Sendable {
        case three = "3.1.1"
        case five = "5"
    }

    /// `url`; must be there.
    let address: MQTTAddress
    /// `client_id`; when left out it is made of the names of the bridge and the component, and stays the same over restarts.
    let clientID: String?
    /// `protocol`; 5 when left out.
    let version: Version
    /// `user`, or that of the URL.
    let user: String?
    /// `password`, or that of the URL.
    let password: Secret?
    /// `tls`; with `mqtts://` only, where nothing need be written.
    let tls: MQTTTLSSettings?
    /// `keep_alive`; 30 seconds when left out, 0 for none.
    let keepAlive: Duration
    /// `session_expiry`; how long the broker keeps our session while we are away.
    ///
    /// The source and the sink have their own defaults.
    let sessionExpiry: Duration?
    /// `will`: published by the broker when we vanish, and by us when we stop.
    let will: MQTTAnnouncement?
    /// `birth`: published after each connect.
    let birth: MQTTAnnouncement?

    /// The client id for a component, unless one is written.
    func clientID(for context: ComponentContext, direction: String) -> String {
        self.clientID ?? "\(context.bridge)-\(context.name)-\(direction)"
    }

    /// What two components cannot both have.
    var exclusiveResources: [Resource] {
        self.clientID.map { [Resource("client id", "\($0) at \(self.address)")] } ?? []
    }

    func validate() throws {
        if self.tls != nil, !self.address.isSecure {
            throw SettingError(path: [CodingKeys.tls], "tls applies to mqtts:// only; the url is \(self.address)")
        }
        if self.password != nil, self.user == nil {
            throw SettingError(path: [CodingKeys.password], "a password needs a user")
        }
        if self.clientID?.isEmpty == true {
            throw SettingError(
                path: [CodingKeys.clientID], "a client id has at least one character; leave the key out for a made one")
        }
        if let clientID, clientID.utf8.count > 65_535 || !MQTTText.isHarmless(clientID) {
            throw SettingError(
                path: [CodingKeys.clientID], "a client id has at most 65535 bytes, and no control characters"
            )
        }
        let seconds = self.keepAlive.components.seconds
        if self.keepAlive != .zero, !(5...65_535).contains(seconds) {
            throw SettingError(path: [CodingKeys.keepAlive], "\(seconds) s is out of range; 5s to 18h is allowed, or 0s for none")
        }
    }
}

extension MQTTConnectionSettings: Decodable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case url
        case clientID = "client_id"
        case version = "protocol"
        case user, password, tls
        case keepAlive = "keep_alive"
        case sessionExpiry = "session_expiry"
        case will, birth
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        do {
            self.address = try MQTTAddress(parsing: container.required(.url))
        } catch let error as MQTTTextError {
            throw SettingError(path: decoder.codingPath + [CodingKeys.url], error.description)
        }
        self.clientID = try container.optional(.clientID)
        self.version = try container.choice(.version, default: .five)
        self.user = try container.optional(.user) ?? self.address.user
        self.password = try container.optional(.password) ?? self.address.password
        self.tls = try container.optional(.tls)
        self.keepAlive = try container.seconds(.keepAlive) ?? .seconds(30)
        self.sessionExpiry = try container.seconds(.sessionExpiry)
        self.will = try container.optional(.will)
        self.birth = try container.optional(.birth)
    }
}

/// `tls:`.
struct MQTTTLSSettings: Sendable, Decodable {
    /// `ca_file`: whom to trust, PEM; the system's authorities when left out.
    let authorities: String?
    /// `cert_file`: our own certificate, PEM; with ``key``.
    let certificate: String?
    /// `key_file`: its key, PEM, without a passphrase.
    let key: String?
    /// `insecure`: accepts every certificate.
    let isInsecure: Bool

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case authorities = "ca_file"
        case certificate = "cert_file"
        case key = "key_file"
        case isInsecure = "insecure"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(refusingOthersThan: CodingKeys.self)
        self.authorities = try container.optional(.authorities)
        self.certificate = try container.optional(.certificate)
        self.key = try container.optional(.key)
        self.isInsecure = try container.value(.isInsecure, default: false)
        if (self.certificate == nil) != (self.key == nil) {
            throw SettingError(path: decoder.codingPath, "cert_file and key_file need each other")
        }
    }
}

/// `will:` and `birth:`: a message about ourselves.
struct MQTTAnnouncement: Sendable, Decodable {
    let topic: String
    let payload: String
    /// 0 or 1; 1 when left out.
    let qos: Int
    /// True when left out, so that a newcomer learns the state.
    let isRetained: Bool

    var buffer: ByteBuffer { ByteBuffer(string: self.payload) }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case topic, payload, qos
        case isRetained = "retain"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(refusingOthersThan: CodingKeys.self)
        self.topic = try container.required(.topic)
        self.payload = try container.value(.payload, default: "")
        self.qos = try container.qos(.qos, default: 1)
        self.isRetained = try container.value(.isRetained, default: true)
        if !MQTTPropertySettings.isTopic(self.topic) || self.topic.utf8.count > 65_535 || !MQTTText.isHarmless(self.topic) {
            throw SettingError(
                path: decoder.codingPath + [CodingKeys.topic],
                "'\(MQTTText.harmless(self.topic))' is not a topic; it has characters, and no '+', '#' and control characters"
            )
        }
    }
}
