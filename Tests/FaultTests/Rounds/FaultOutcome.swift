import BridgeTesting

/// How a round went.
struct FaultOutcome: Sendable {
    let pair: FaultPair
    let messages: Int
    let faults: [Fault]
    /// Messages that the publisher had to send again.
    let repeated: Int
    let reconciliation: Reconciliation
    /// What is wrong; none when all is well.
    let complaints: [String]
    let bridgeLog: String
    /// One line for the console.
    let line: String

    init(
        round: FaultRound, publications: Publications, arrivals: [Reconciliation.Arrival], gaps: Int, ending: ChildProcess.Ending,
        bridgeLog: String, time: Duration
    ) {
        self.pair = round.pair
        self.messages = round.plan.messages.count
        self.faults = round.plan.steps.map(\.fault)
        self.repeated = publications.repeated
        let reconciliation = Reconciliation(
            attempts: publications.attempts, arrivals: arrivals, faults: round.plan.steps.count)
        self.reconciliation = reconciliation
        var complaints = reconciliation.complaints
        if gaps > 0 { complaints.append("the reader received \(gaps) gaps") }
        if ending != .exited(0) { complaints.append("the program ended with \(ending)") }
        self.complaints = complaints
        self.bridgeLog = bridgeLog
        let tenths = time / .milliseconds(100)
        self.line =
            "\(round.pair), log \(round.log.rawValue), seed \(round.seed): \(round.plan.messages.count) messages,"
            + " \(round.plan.steps.map(\.description).joined(separator: ", ")); \(publications.repeated) repeated,"
            + " \(reconciliation.duplicates) duplicates, \(tenths.rounded() / 10) s"
            + (complaints.isEmpty ? "" : "; WRONG: " + complaints.joined(separator: "; "))
    }
}
