package import BridgeCore

extension BridgeLoader {
    /// Reads where the log is and which sinks there are: all that the commands about a log need.
    ///
    /// References in the rest of the file need not resolve, such as secrets that only the program has.
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
            if root.child(Self.homeAssistant) != nil { sinks.append(Self.homeAssistant) }
        }
        try Self.throwErrors(of: findings)
        return (plan, sinks)
    }

    /// Reads the format of log lines as far as the text can be parsed, so that its mistakes are reported in that
    /// format.
    package func logFormat(text: String) -> ServiceSettings.LogFormat {
        let findings = Findings(file: "")
        let root = self.root(text, findings, members: ["service"], isWanted: { $0 == ["service", "log", "format"] })
        let format = root?.child("service")?.child("log")?.child("format")?.text
        return format.flatMap(ServiceSettings.LogFormat.init(rawValue:)) ?? ServiceSettings().logFormat
    }

    /// Reads where the program listens: all that a command about the running program needs.
    ///
    /// References in the rest of the file need not resolve.
    ///
    /// - Parameters:
    ///   - file: its name, for messages.
    ///   - withAdmin: whether `http.admin` is read too; references in it must resolve then.
    package func loadHTTP(text: String, file: String, withAdmin: Bool = false) throws(ConfigurationErrors) -> HTTPSettings {
        let findings = Findings(file: file)
        var plan = BridgePlan()
        let wanted: Set<String> = withAdmin ? ["listen", "tls", "admin"] : ["listen", "tls"]
        let root = self.root(text, findings, isWanted: { $0.count > 1 && $0[0] == "http" && wanted.contains($0[1]) })
        if let http = root?.child("http") {
            var place = http
            for (key, _) in http.members where !wanted.contains(key) { place = place.replacing(key, by: nil) }
            plan.http =
                SettingsDecoding(findings: findings, userInfo: [:]).decode(place, group: HTTPSettings.self) ?? plan.http
        }
        try Self.throwErrors(of: findings)
        return plan.http
    }

    /// - Parameter directory: `service.state_dir`.
    /// - Returns: `nil` when the file has no valid `log`.
    func log(_ root: Located, directory: String?, _ decoding: SettingsDecoding, _ findings: Findings) -> LogPlan? {
        guard let log = root.child("log") else { return nil }
        do {
            return try decoding.decode(log, group: LogSettings.self)?.plan(directory: directory)
        } catch let error as SettingError {
            findings.error(error.message, at: log.descend(error.path))
        } catch {
            findings.error("\(error)", at: log)
        }
        return nil
    }
}
