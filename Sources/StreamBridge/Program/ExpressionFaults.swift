import BridgeCore
import Expressions
import Logging

extension Gateway {
    /// Counts and logs evaluations that ended their worker.
    ///
    /// The failing event is logged by its route, its sink, or the stream of the client.
    func reportFaults(_ metrics: Metrics, logger: Logger) {
        let logs = [false, true].map { _ in BurstLog("Expression ended its worker", logger: logger) }
        let pauseLogs = [false, true].map { _ in BurstLog("Expression paused after repeated faults", logger: logger) }
        func counter(_ origin: String, _ reason: String) -> Counter {
            metrics.counter(
                "streambridge_expression_faults_total",
                help: "Evaluations that ended their worker, by origin of the expression and reason.",
                labels: [("origin", origin), ("reason", reason)]
            )
        }
        let reasons = ["time", "memory", "crash"]
        let counters = ["file", "client"].map { origin in
            Dictionary(uniqueKeysWithValues: reasons.map { ($0, counter(origin, $0)) })
        }
        self.expressions.onFault { fault, isClient in
            let origin = isClient ? 1 : 0
            counters[origin][fault.reason]?.increment()
            let metadata: Logger.Metadata = [
                "expression": "\(fault.expression)", "origin": isClient ? "client" : "file", "error": "\(fault.message)",
            ]
            logs[origin].note(metadata)
            if let pause = fault.pause { pauseLogs[origin].note(metadata.merging(["pause": "\(pause)"]) { $1 }) }
        }
    }
}
