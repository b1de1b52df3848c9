import BridgeTesting

extension SecurityCheck {
    /// Which clients get access.
    static let access = [
        SecurityCheck("a forged token opens nothing") { stage in
            let tokens = try await HostileTokens.make()
            let files = try TemporaryDirectory()
            let keys = try files.write(tokens.keys, to: "keys.json")
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"], sinks: ["out: { type: sse, stream: 'users/{{ $subject }}' }"],
                routes: ["{ from: [in], to: [out] }"],
                http:
                    "access: { jwt: { keys_file: '\(keys)', issuer: '\(HostileTokens.issuer)', audience: us, subscribe: ['users/{sub}/#'] } }"
            )
            let port = bridge.port
            func status(_ token: String) throws -> Int {
                let socket = try AttackSocket(port: port)
                socket.send(
                    "GET /api/stream/users/door?format=json HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\nConnection: close\r\n\r\n"
                )
                return socket.answer()?.status ?? 0
            }
            let good = try status(tokens.good)
            stage.expect(good == 200, "the right token was answered with \(good)")
            for bad in tokens.bad {
                let status = try status(bad.token)
                stage.expect([401, 403, 400, 431].contains(status), "\(bad.name): \(status)")
            }
            stage.note("\(tokens.bad.count) tokens")
        },

        SecurityCheck("guessing tokens finds none and floods no log") { stage in
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"], sinks: ["out: { type: sse, stream: out }"],
                routes: ["{ from: [in], to: [out] }"],
                http:
                    "access: { tokens: [ { token: 'a long secret token', subscribe: [out], publish: [in] } ], users: [ { user: ann, password: pw, subscribe: [out] } ] }"
            )
            let port = bridge.port
            let before = bridge.log.utf8.count
            let guesses = 500 * stage.scale
            let (wrong, right) = try await OwnThread.run {
                let socket = try AttackSocket(port: port)
                func status(_ authorization: String) -> Int {
                    socket.send(
                        "GET /api/stream/out?format=json HTTP/1.1\r\nHost: localhost\r\nAuthorization: \(authorization)\r\n\r\n")
                    return socket.answer()?.status ?? 0
                }
                var generator = SeededGenerator(seed: AttackSettings.seed)
                let wrong = (0..<guesses).count { number in
                    let guess = String(UInt64.random(in: 0 ... .max, using: &generator), radix: 36)
                    return status(number % 2 == 0 ? "Bearer \(guess)" : "Basic \(guess)") != 401
                }
                return (wrong, status("Bearer a long secret token"))
            }
            stage.expect(wrong == 0, "\(wrong) guesses were not answered with 401")
            stage.expect(right == 200, "the right token was answered with \(right) afterwards")
            let logged = bridge.log.utf8.count - before
            stage.expect(logged < 64 << 10, "\(logged) bytes were logged")
            stage.note("\(guesses) guesses, \(logged) bytes logged")
        },

        SecurityCheck("credentials that cannot be read let nobody in") { stage in
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"], sinks: ["out: { type: sse, stream: out }"],
                routes: ["{ from: [in], to: [out] }"],
                http:
                    "access: { cookie: session, query_token: true, tokens: [ { token: t0ken, subscribe: [out] } ], users: [ { user: ann, password: pw, subscribe: [out] } ] }"
            )
            let port = bridge.port
            let fields = [
                "Authorization: Bearer", "Authorization: Bearer ", "Authorization: Bearer  t0ke",
                "Authorization: Bearer t0ken t0ken",
                "Authorization: Bearer t0ken,t0ken", "Authorization: Bearer t0ken\u{B}",
                "Authorization: Bearer t0ken\r\nAuthorization: Bearer x",
                "Authorization: Bearer x\r\nAuthorization: Bearer t0ken", "Authorization: Basic", "Authorization: Basic ====",
                "Authorization: Basic YW5u",
                "Authorization: Basic YW5uOg==", "Authorization: Basic OnB3", "Authorization: Basic YW5uOnB3eA==",
                "Authorization: Basic QU5OOnB3",
                "Authorization: Basic YW5uOnB3\u{0}", "Authorization: Basic \(String(repeating: "A", count: 20_000))",
                "Authorization: Digest t0ken",
                "Authorization: \u{E9} t0ken", "Cookie: session", "Cookie: session=", "Cookie: session=x; session=",
                "Cookie: Session=x", "Cookie: xsession=t0ken",
                "Cookie: \(String(repeating: "a=b;", count: 5000))", "Cookie: =t0ken",
                "Authorization: Bearer x\r\nCookie: session=t0ken", "X-Authorization: Bearer t0ken",
            ]
            let failures = try await OwnThread.run {
                try fields.compactMap { field -> String? in
                    let socket = try AttackSocket(port: port)
                    socket.send(
                        "GET /api/stream/out?format=json HTTP/1.1\r\nHost: localhost\r\n\(field)\r\nConnection: close\r\n\r\n")
                    guard let status = socket.answer()?.status else { return nil }
                    return status < 300 ? "\(field.prefix(60).debugDescription): \(status)" : nil
                }
            }
            // Two fields of which one is right are for the server to decide, but always in the same way: the first counts.
            for failure in failures where !failure.contains("t0ken\\r\\nAuthorization") { stage.complain(failure) }
        },
    ]
}
