import BridgeCore

/// The credentials for a server: `user`, `password` and `tls`.
struct RedisLogin: Sendable {
    var user: String?
    var password: Secret?
    var tls = TLSSettings()

    /// Logs in, if there is a password.
    ///
    /// - Throws: ``ComponentError``.
    func perform(_ connection: RedisConnection) async throws {
        guard let password else { return }
        let reply =
            if let user {
                try await connection.command("AUTH", user, password.value)
            } else {
                try await connection.command("AUTH", password.value)
            }
        if case .error(let text) = reply {
            let isNeedless = text.contains("without any password configured") || text.contains("no password is set")
            let hint = isNeedless ? "; the server has no password, so leave it out" : "; check user and password"
            throw ComponentError(.unauthorized, "\(connection.peer) does not accept the password: \(text)\(hint)")
        }
    }
}
