import Glibc

/// What the environment says about the attacks; `deploy/attack` sets it.
enum AttackSettings {
    /// `ATTACK_SCALE`: how many times as much each attack sends; 1 is the part that belongs to the test suite.
    static let scale = text("ATTACK_SCALE").flatMap(Int.init).map { max(1, $0) } ?? 1
    /// `ATTACK_SEED`: of the random inputs.
    static let seed = text("ATTACK_SEED").flatMap(UInt64.init) ?? 1
    /// `ATTACK_TABLE`: a file for the table of results.
    static let table = text("ATTACK_TABLE")
    /// `ATTACK_ONLY`: a part of the names of the checks to run; without it all run.
    static let only = text("ATTACK_ONLY")

    private static func text(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
