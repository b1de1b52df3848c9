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
    ///   - pairs: the algorithms to make key pairs for; RSA takes a while. Tokens without a key and of HS256 are always made.
    static func make(
        _ claims: [String], header: String = "{}", pairs: [String] = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]
    ) async throws -> TokenMaker {
        let process = try ChildProcess("node", ["-e", Self.script, Self.secret, header, pairs.joined(separator: ",")] + claims)
        guard try await process.untilEnded() == .exited(0) else { throw PeerError("node: \(process.standardError)") }
        return try JSONDecoder().decode(TokenMaker.self, from: Data(process.standardOutput.utf8))
    }

    /// A token of HS256 whose payload is a text as it is.
    static func signed(_ payload: String) async throws -> String {
        let script = """
            const [secret, payload] = process.argv.slice(1);
            const text = Buffer.from('{"alg":"HS256"}').toString('base64url') + '.' + Buffer.from(payload).toString('base64url');
            process.stdout.write(text + '.' + require('crypto').createHmac('sha256', secret).update(text).digest('base64url'));
            """
        let process = try ChildProcess("node", ["-e", script, Self.secret, payload])
        guard try await process.untilEnded() == .exited(0) else { throw PeerError("node: \(process.standardError)") }
        return process.standardOutput
    }

    private static let script = """
        const crypto = require('crypto');
        const [secret, header, names, ...claims] = process.argv.slice(1);
        const kinds = {
          RS256: ['rsa', {modulusLength: 2048}], PS256: ['rsa', {modulusLength: 2048}], ES256: ['ec', {namedCurve: 'P-256'}],
          ES384: ['ec', {namedCurve: 'P-384'}], EdDSA: ['ed25519'],
        };
        const pairs = {};
        for (const name of names.split(',').filter(name => name)) pairs[name] = crypto.generateKeyPairSync(...kinds[name]);
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
