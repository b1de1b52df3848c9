import BridgeCore
import NIOSSL

extension TLSSettings {
    /// The client's context for a connection.
    ///
    /// - Parameter location: for messages.
    /// - Throws: a ``ComponentError`` when a file cannot be used.
    func context(for location: RedisLocation) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        do {
            if let file = self.authorities { configuration.trustRoots = .file(file) }
            if let file = self.certificate {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(file).map { .certificate($0) }
            }
            if let file = self.key {
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: file, format: .pem))
            }
            if self.isInsecure { configuration.certificateVerification = .none }
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw ComponentError(.settings, "the TLS files for \(location) cannot be used", cause: error)
        }
    }
}
