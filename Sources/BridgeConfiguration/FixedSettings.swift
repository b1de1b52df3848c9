import BridgeCore

/// The settings that cannot change while the program runs.
package enum FixedSettings {
    /// Why a running program cannot continue with a file; one sentence for each setting that differs.
    package static func refusals(from old: BridgePlan, to new: BridgePlan) -> [String] {
        var changed: [String] = []
        func compare<Value: Equatable>(_ setting: String, _ value: (BridgePlan) -> Value) {
            if value(old) != value(new) { changed.append(setting) }
        }
        compare("service.name", \.service.name)
        compare("service.state_dir", \.service.stateDirectory)
        compare("service.drain", \.service.drain)
        compare("service.log.level", \.service.logLevel)
        compare("service.log.format", \.service.logFormat)
        compare("log") { plan in
            // The limits of a log in memory can change.
            if case .memory = plan.log { LogPlan.memory(LogLimits()) } else { plan.log }
        }
        compare("http.max_connections", \.http.maximumConnections)
        compare("http.limits", \.http.limits)
        return changed.map { "\($0): cannot change while the program runs; restart to change it" }
    }
}
