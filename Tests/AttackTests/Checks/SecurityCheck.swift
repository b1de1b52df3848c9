import Testing

/// One attack on the program, with a name that says what must hold.
struct SecurityCheck: Sendable, CustomTestStringConvertible {
    let name: String
    /// Starts the stage, attacks, and reports what went wrong to the stage.
    let attack: @Sendable (AttackStage) async throws -> Void

    init(_ name: String, _ attack: @escaping @Sendable (AttackStage) async throws -> Void) {
        self.name = name
        self.attack = attack
    }

    var testDescription: String { self.name }

    /// What `deploy/attack` runs.
    static let all =
        requests + pipelines + slowClients + silentClients + bodies + http2 + http2Floods + streams + access + hooks + injection
        + documents + brokers + redisServers + upstreams + receivers + descriptors

    /// What belongs to the test suite: the same attacks with less input, without those that only `deploy/attack` runs.
    static let suite = all.filter { check in !thorough.contains { check.name.contains($0) } }

    /// Parts of the names of checks that take long, or judge the speed of a program that was built with optimisation.
    private static let thorough = [
        "jq", "silent behind its head", "come and go", "MQTT broker", "free descriptors", "JSON that is deep",
    ]

    /// What runs now: all, or the part that belongs to the test suite.
    static let selected = AttackSettings.scale > 1 ? all : suite
}
