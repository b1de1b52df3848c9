import BridgeCore
import NIOSSL

/// `tls:`; absent keys mean the system's authorities and no client certificate.
struct RedisTLS: Sendable, Decodable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case authorityFile = "ca_file", certificateFile = "cert_file", keyFile = "key_file", isInsecure = "insecure"
    }

    var authorityFile: String?
    var certificateFile: String?
    var keyFile: String?
    /// Accepts any certificate.
    var isInsecure = false

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.mapping(CodingKeys.self)
        self.authorityFile = try container.optional(.authorityFile)
        self.certificateFile = try container.optional(.certificateFile)
        self.keyFile = try container.optional(.keyFile)
        self.isInsecure = try container.value(.isInsecure, default: false)
        guard (self.certificateFile == nil) == (self.keyFile == nil) else {
            throw SettingError(
                path: container.codingPath, "cert_file and key_file belong together; set both or neither"
            )
        }
    }

    /// The client's context for a connection.
    ///
    /// - Parameter location: for messages.
    /// - Throws: a ``ComponentError`` when a file cannot be used.
    func context(for location: RedisLocation) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        do {
            if let file = self.authorityFile { configuration.trustRoots = .file(file) }
            if let file = self.certificateFile {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(file).map { .certificate($0) }
            }
            if let file = self.keyFile {
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: file, format: .pem))
            }
            if self.isInsecure { configuration.certificateVerification = .none }
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw ComponentError(.settings, "the TLS files for \(location) cannot be used", cause: error)
        }
    }
}
