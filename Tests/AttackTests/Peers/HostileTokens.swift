import BridgeTesting
import FoundationEssentials

/// Invalid JSON Web Tokens and a valid one, made by Node's own implementation.
struct HostileTokens: Decodable, Sendable {
    struct Token: Decodable, Sendable {
        let name: String
        let token: String
    }

    /// A JWK set with the public key of `RS256`, named `k`.
    let keys: String
    let good: String
    let bad: [Token]

    static let issuer = "https://issuer.example"

    static func make() async throws -> HostileTokens {
        let process = try ChildProcess("node", ["-e", Self.script, Self.issuer])
        guard try await process.untilEnded() == .exited(0) else { throw PeerError("node: \(process.standardError)") }
        return try JSONDecoder().decode(HostileTokens.self, from: Data(process.standardOutput.utf8))
    }

    private static let script = """
        const crypto = require('crypto');
        const issuer = process.argv[1];
        const own = crypto.generateKeyPairSync('rsa', {modulusLength: 2048});
        const other = crypto.generateKeyPairSync('rsa', {modulusLength: 2048});
        const jwk = {...own.publicKey.export({format: 'jwk'}), kid: 'k', alg: 'RS256', use: 'sig'};
        const foreign = {...other.publicKey.export({format: 'jwk'}), kid: 'k', alg: 'RS256', use: 'sig'};
        const pem = own.publicKey.export({type: 'spki', format: 'pem'});
        const text = value => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
        const claims = {sub: 'door', iss: issuer, aud: 'us', exp: 4000000000};
        const rs = (head, body = claims, key = own.privateKey) => {
          const data = text(head) + '.' + text(body);
          return data + '.' + crypto.sign('sha256', Buffer.from(data), key).toString('base64url');
        };
        const hs = (head, secret, body = claims) => {
          const data = text(head) + '.' + text(body);
          return data + '.' + crypto.createHmac('sha256', secret).update(data).digest('base64url');
        };
        const head = {alg: 'RS256', typ: 'JWT', kid: 'k'};
        const good = rs(head);
        const [h, p, s] = good.split('.');
        const bad = [];
        const add = (name, token) => bad.push({name, token});
        for (const alg of ['none', 'None', 'nOnE', '', null, 0, ['none']]) {
          add(`alg ${JSON.stringify(alg)} without signature`, text({...head, alg}) + '.' + p + '.');
          add(`alg ${JSON.stringify(alg)} with the signature of another`, text({...head, alg}) + '.' + p + '.' + s);
        }
        for (const [name, secret] of [['PEM', pem], ['trimmed PEM', pem.trim()], ['modulus', jwk.n], ['JWK', JSON.stringify(jwk)], ['nothing', '']]) {
          add(`HS256 with the public key as the secret (${name})`, hs({...head, alg: 'HS256'}, secret));
          add(`HS256 with the public key as the secret (${name}), no kid`, hs({alg: 'HS256'}, secret));
        }
        add('signed by another key', rs(head, claims, other.privateKey));
        add('brings its own key', rs({...head, jwk: foreign}, claims, other.privateKey));
        add('names where its key is', rs({...head, jku: 'http://127.0.0.1:1/keys'}, claims, other.privateKey));
        add('brings a certificate', rs({...head, x5c: ['MIIB'], x5u: 'http://127.0.0.1:1/x'}, claims, other.privateKey));
        for (const kid of ['../../../dev/null', '/dev/null', "' OR 1=1 --", 'k\\u0000', 'K', '', 5, null, ['k'], {a: 1}, 'k'.repeat(20000)]) {
          add(`kid ${JSON.stringify(kid).slice(0, 30)}, secret of nothing`, hs({...head, alg: 'HS256', kid}, ''));
          add(`kid ${JSON.stringify(kid).slice(0, 30)}, another key`, rs({...head, kid}, claims, other.privateKey));
        }
        for (const crit of [['exp'], ['b64'], ['x'], [], 'x', 5, ['alg']]) {
          add(`crit ${JSON.stringify(crit)}`, rs({...head, crit, x: 1}));
        }
        add('b64 false', rs({...head, crit: ['b64'], b64: false}));
        for (const [name, change] of Object.entries({
          'expired': {exp: 1000}, 'exp 0': {exp: 0}, 'exp negative': {exp: -1}, 'exp as text': {exp: '4000000000'}, 'exp true': {exp: true},
          'exp list': {exp: [4000000000]}, 'not yet': {nbf: 4000000000}, 'nbf as text': {nbf: '0'}, 'another issuer': {iss: 'https://issuer.example.evil'},
          'issuers': {iss: [issuer]}, 'no issuer': {iss: undefined}, 'another audience': {aud: 'them'}, 'no audience': {aud: undefined},
          'audience object': {aud: {us: 1}}, 'sub wildcard': {sub: '#'}, 'sub level': {sub: '+'}, 'sub of two levels': {sub: 'window/door'},
          'sub two names': {sub: 'window,door'}, 'sub line': {sub: 'window\\ndoor'}, 'no sub': {sub: undefined}, 'sub list': {sub: ['door']}, 'sub empty': {sub: ''},
          'sub another': {sub: 'window'}, 'sub presence': {sub: '$presence'},
        })) add(name, rs(head, {...claims, ...change}));
        add('claims twice', rs(head, JSON.stringify({...claims, sub: 'window'}).replace('{', '{"sub":"window",')));
        add('claims that are no object', rs(head, '[]'));
        add('claims that are no JSON', rs(head, '{'));
        add('deep claims', rs(head, '{"a":' + '['.repeat(6000) + ']'.repeat(6000) + '}'));
        add('claims changed', h + '.' + text({...claims, aud: 'us', sub: 'door', x: 1}) + '.' + s);
        add('header changed', text({...head, x: 1}) + '.' + p + '.' + s);
        add('no signature', h + '.' + p + '.');
        add('two parts', h + '.' + p);
        add('four parts', good + '.' + s);
        add('five parts', good + '.' + s + '.' + s);
        add('signature cut', good.slice(0, -4));
        add('signature longer', good + 'AAAA');
        add('dots', '..');
        add('many dots', '.'.repeat(10000));
        add('standard base64', h + '.' + p + '.' + Buffer.from(s, 'base64url').toString('base64').replace('/', '+'));
        add('zero signature', h + '.' + p + '.' + 'A'.repeat(342));
        add('a space within', h + ' .' + p + '.' + s);
        console.log(JSON.stringify({keys: JSON.stringify({keys: [jwk]}), good, bad}));
        """
}
