import BridgeConfiguration
import BridgeCore
import Curl
import Glibc
import HTTPServer
import JWTKit
import Logging
import NIOCore

/// Verifies tokens of an issuer: JWS with HS, RS, PS, ES or EdDSA (RFC 7515, 7518, 8037).
///
/// The key decides the algorithm, never the token; `none` is not one.
actor TokenVerifier {
    private static let patience = Duration.seconds(30)

    private let settings: AccessSettings.JWT
    private let curl: CurlMulti
    private let logger: Logger
    private var keys = JWTKeyCollection()
    private var fetched: ContinuousClock.Instant?

    /// - Throws: ``ComponentError`` for keys that cannot be read; a URL that cannot be reached is tried again with the next token.
    init(_ settings: AccessSettings.JWT, curl: CurlMulti, logger: Logger) async throws {
        self.settings = settings
        self.curl = curl
        self.logger = logger
        switch settings.keys {
        case .secret(let secret):
            await self.keys.add(hmac: HMACKey(from: secret.value), digestAlgorithm: settings.algorithm.digest)
        case .publicKey(let file):
            try await self.add(pem: Self.read(file), file)
        case .file(let file):
            let text = try Self.read(file)
            do {
                try await self.keys.add(jwksJSON: text)
            } catch {
                throw ComponentError(.settings, "'\(file)' is no set of keys", isRetryable: false, cause: error)
            }
        case .url:
            await self.fetch()
        }
    }

    /// What a token grants.
    ///
    /// - Throws: when it does not verify.
    func grant(_ token: String) async throws -> HTTPGrant {
        try TokenHeader.check(token)
        let claims: TokenClaims
        do {
            claims = try await self.keys.verify(token, as: TokenClaims.self)
        } catch {
            // The issuer may have a new key since.
            guard case .url = self.settings.keys, self.fetched.map({ $0.duration(to: .now) > Self.patience }) ?? true else {
                throw error
            }
            await self.fetch()
            claims = try await self.keys.verify(token, as: TokenClaims.self)
        }
        return try claims.grant(self.settings, now: Double(Timestamp.now().milliseconds) / 1000)
    }

    private func fetch() async {
        guard case .url(let url) = self.settings.keys else { return }
        self.fetched = .now
        do {
            let response = try await self.curl.response(
                to: CurlRequest(url, timeout: .seconds(10), redirects: 2), bodyLimit: 1 << 20)
            guard response.head.status == 200 else {
                self.logger.warning(
                    "The set of keys cannot be had", metadata: ["url": "\(url)", "status": "\(response.head.status)"])
                return
            }
            let fresh = JWTKeyCollection()
            try await fresh.add(jwksJSON: String(buffer: response.body))
            self.keys = fresh
        } catch {
            self.logger.warning("The set of keys cannot be had", metadata: ["url": "\(url)", "error": "\(error)"])
        }
    }

    private func add(pem: String, _ file: String) async throws {
        do {
            let name = self.settings.algorithm.rawValue
            switch name.prefix(2) {
            case "RS":
                await self.keys.add(rsa: try Insecure.RSA.PublicKey(pem: pem), digestAlgorithm: self.settings.algorithm.digest)
            case "PS":
                await self.keys.add(pss: try Insecure.RSA.PublicKey(pem: pem), digestAlgorithm: self.settings.algorithm.digest)
            case "Ed":
                await self.keys.add(eddsa: try EdDSA.PublicKey(pem: pem))
            default:
                switch self.settings.algorithm {
                case .ES384: await self.keys.add(ecdsa: try ES384PublicKey(pem: pem))
                case .ES512: await self.keys.add(ecdsa: try ES512PublicKey(pem: pem))
                default: await self.keys.add(ecdsa: try ES256PublicKey(pem: pem))
                }
            }
        } catch {
            throw ComponentError(
                .settings, "'\(file)' is no public key for \(self.settings.algorithm)", isRetryable: false, cause: error)
        }
    }

    private static func read(_ path: String) throws -> String {
        guard let file = fopen(path, "r") else {
            throw ComponentError(
                .settings, "the keys '\(path)' cannot be read: \(String(cString: strerror(errno)))", isRetryable: false)
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}

extension AccessSettings.JWT.Algorithm {
    fileprivate var digest: DigestAlgorithm {
        switch self.rawValue.suffix(3) {
        case "384": .sha384
        case "512": .sha512
        default: .sha256
        }
    }
}
