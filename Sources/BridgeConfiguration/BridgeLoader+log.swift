import BridgeCore

extension BridgeLoader {
    /// Reads where the log is and which sinks there are: all that the commands about a log need.
    ///
    /// What the rest of the file refers to need not be there, such as secrets that only the program gets.
    ///
    /// - Parameter file: its name, for messages.
    package func loadLog(text: String, file: String) throws(ConfigurationErrors) -> (log: LogPlan, sinks: [String]) {
        let findings = Findings(file: file)
        var plan = LogPlan.memory(LogLimits())
        var sinks: [String] = []
        if let root = self.root(text, findings, isWanted: { $0.first == "log" || $0 == ["service", "state_dir"] }) {
            let decoding = SettingsDecoding(findings: findings, userInfo: [:])
            let directory = root.child("service")?.child("state_dir")?.text
            plan = self.log(root, directory: directory, decoding, findings) ?? plan
            sinks = root.child("sinks")?.members.map(\.key) ?? []
        }
        try Self.throwErrors(of: findings)
        return (plan, sinks)
    }

    /// - Parameter directory: `service.state_dir`.
    /// - Returns: `nil` when the file says nothing of it, or nothing right.
    func log(_ root: Located, directory: String?, _ decoding: SettingsDecoding, _ findings: Findings) -> LogPlan? {
        guard let log = root.child("log") else { return nil }
        findings.refuseUnknownKeys(of: log, known: LogDeclaration.CodingKeys.allCases.map(\.rawValue))
        if let retain = log.child("retain") {
            findings.refuseUnknownKeys(of: retain, known: LogDeclaration.RetainKeys.allCases.map(\.rawValue))
        }
        do {
            return try decoding.decode(log, as: LogDeclaration.self)?.plan(directory: directory)
        } catch let error as SettingError {
            findings.error(error.message, at: log.descend(error.path))
        } catch {
            findings.error("\(error)", at: log)
        }
        return nil
    }
}
