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
    /// The largest key file, in bytes.
    private static let keyLimit = 1 << 20

    private let settings: AccessSettings.JWT
    /// Empty when the keys come from a URL.
    private let keys = JWTKeyCollection()
    private let remote: RemoteKeys?

    /// - Throws: ``ComponentError`` for keys that cannot be read; those of a URL are fetched by ``run()``. `CurlError` when that is
    ///   impossible without libcurl.
    init(_ settings: AccessSettings.JWT, curl: CurlMulti, logger: Logger) async throws {
        self.settings = settings
        if case .url(let url) = settings.keys {
            try CurlMulti.load()
            self.remote = RemoteKeys(url, curl: curl, logger: logger)
        } else {
            self.remote = nil
        }
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
                throw ComponentError(.settings, "'\(file)' is not a JWK set", isRetryable: false, cause: error)
            }
        case .url:
            await self.remote?.fetch()
        }
    }

    /// Fetches the keys of a URL, until the task is cancelled.
    func run() async {
        await self.remote?.run()
    }

    /// The grant of a token.
    ///
    /// - Throws: when it does not verify; ``TokenError/undecided`` when that cannot be decided now.
    func grant(_ token: String) async throws -> HTTPGrant {
        let header = try TokenHeader(of: token)
        let claims: TokenClaims
        if let remote {
            claims = try await remote.claims(of: token, signedBy: header.key)
        } else {
            claims = try await self.keys.verify(token, as: TokenClaims.self)
        }
        return try claims.grant(self.settings, now: Double(Timestamp.now().milliseconds) / 1000)
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
                .settings, "'\(file)' is not a public key for \(self.settings.algorithm)", isRetryable: false, cause: error)
        }
    }

    /// - Throws: ``ComponentError`` when the file cannot be read or is too large.
    static func read(_ path: String) throws -> String {
        func failure(_ reason: String) -> ComponentError {
            ComponentError(.settings, "the keys '\(path)' cannot be read: \(reason)", isRetryable: false)
        }
        guard let file = fopen(path, "r") else { throw failure(String(cString: strerror(errno))) }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: Self.keyLimit + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0 else { throw failure(String(cString: strerror(errno))) }
        guard count <= Self.keyLimit else {
            throw failure("the file is larger than \(Self.keyLimit) bytes; remove the keys that are no longer in use")
        }
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
