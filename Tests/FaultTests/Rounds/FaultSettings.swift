import Glibc

/// What the environment says of the rounds.
enum FaultSettings {
    /// `FAULT_ROUNDS`: for each pair.
    static let rounds = text("FAULT_ROUNDS").flatMap(Int.init) ?? 2
    /// `FAULT_SEED`: of the first round; the others have those after it.
    ///
    /// `deploy/faults` draws one.
    static let firstSeed = text("FAULT_SEED").flatMap(UInt64.init) ?? 1
    /// `FAULT_LOG`: which log all rounds have; without it even seeds have the one on disk.
    static let log = text("FAULT_LOG").flatMap(FaultPair.Log.init)
    /// `FAULT_PAIR`: the only pair, such as `mqttToSSE`; without it all are.
    static let pairs = FaultPair.allCases.filter { pair in text("FAULT_PAIR").map { pair.rawValue == $0 } ?? true }
    /// `FAULT_TABLE`: a file for the table, next to which the program's log of a failed round is stored.
    static let table = text("FAULT_TABLE")

    private static func text(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
