import BridgeTesting
import FoundationEssentials

/// Keys and signed tokens of every algorithm, made by Node's own implementation.
struct TokenMaker: Decodable {
    /// A JWK set with the public keys, named as the algorithms.
    let keys: String
    /// PEM of the public keys, by algorithm.
    let pem: [String: String]
    /// Tokens by algorithm, one for each of the claims.
    let tokens: [String: [String]]

    static let secret = "a secret that is long enough for HS256"

    /// - Parameters:
    ///   - claims: JSON objects.
    ///   - header: a JSON object of members that the headers have beside `alg`, `typ` and `kid`.
    static func make(_ claims: [String], header: String = "{}") async throws -> TokenMaker {
        let process = try ChildProcess("node", ["-e", Self.script, Self.secret, header] + claims)
        guard try await process.untilEnded() == .exited(0) else { throw PeerError("node: \(process.standardError)") }
        return try JSONDecoder().decode(TokenMaker.self, from: Data(process.standardOutput.utf8))
    }

    private static let script = """
        const crypto = require('crypto');
        const [secret, header, ...claims] = process.argv.slice(1);
        const pairs = {
          RS256: crypto.generateKeyPairSync('rsa', {modulusLength: 2048}), PS256: crypto.generateKeyPairSync('rsa', {modulusLength: 2048}),
          ES256: crypto.generateKeyPairSync('ec', {namedCurve: 'P-256'}), ES384: crypto.generateKeyPairSync('ec', {namedCurve: 'P-384'}),
          EdDSA: crypto.generateKeyPairSync('ed25519'),
        };
        const part = value => Buffer.from(JSON.stringify(value)).toString('base64url');
        function sign(alg, text) {
          if (alg === 'none') return '';
          if (alg === 'HS256') return crypto.createHmac('sha256', secret).update(text).digest('base64url');
          const key = pairs[alg].privateKey;
          if (alg === 'EdDSA') return crypto.sign(null, Buffer.from(text), key).toString('base64url');
          const hash = alg === 'ES384' ? 'sha384' : 'sha256';
          const options = {key, dsaEncoding: 'ieee-p1363'};
          if (alg === 'PS256') Object.assign(options, {padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32});
          return crypto.sign(hash, Buffer.from(text), options).toString('base64url');
        }
        const tokens = {};
        for (const alg of ['none', 'HS256', ...Object.keys(pairs)]) {
          tokens[alg] = claims.map(claim => {
            const text = part({alg, typ: 'JWT', kid: alg, ...JSON.parse(header)}) + '.' + part(JSON.parse(claim));
            return text + '.' + sign(alg, text);
          });
        }
        const keys = Object.keys(pairs).map(alg => ({...pairs[alg].publicKey.export({format: 'jwk'}), kid: alg, alg, use: 'sig'}));
        const pem = {};
        for (const alg of Object.keys(pairs)) pem[alg] = pairs[alg].publicKey.export({type: 'spki', format: 'pem'});
        console.log(JSON.stringify({keys: JSON.stringify({keys}), pem, tokens}));
        """
}
