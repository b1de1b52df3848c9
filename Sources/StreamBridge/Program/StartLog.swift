import BridgeConfiguration
import Logging

/// The messages about a configuration before the program runs: in the form of a compiler for people, or as lines of the
/// program's log.
enum StartLog {
    /// One line each, `file:line:column: severity: setting: message`: for `check` and the like.
    case lines
    /// The format that `service.log.format` names: for `run`, whose output is read as one log.
    case log(Logger)

    /// - Parameter format: the format in the file.
    static func log(format: ServiceSettings.LogFormat) -> StartLog {
        let format: StandardErrorLogHandler.Format = format == .json ? .json : .text
        return .log(Logger(label: "configuration") { StandardErrorLogHandler(label: $0, level: .info, format: format) })
    }

    /// Reports a mistake or a doubt with its location.
    func report(_ diagnostic: Diagnostic) {
        switch self {
        case .lines: ConfigurationInput.complain("\(diagnostic)")
        case .log(let logger):
            var facts: Logger.Metadata = ["location": "\(diagnostic.file):\(diagnostic.line):\(diagnostic.column)"]
            if !diagnostic.path.isEmpty { facts["setting"] = "\(diagnostic.path)" }
            logger.log(level: diagnostic.severity == .error ? .error : .warning, "\(diagnostic.message)", metadata: facts)
        }
    }

    /// Reports what is wrong with a file as a whole, or with what it refers to.
    func report(_ severity: Diagnostic.Severity, _ message: String, file: String) {
        switch self {
        case .lines: ConfigurationInput.complain("\(file): \(severity.rawValue): \(message)")
        case .log(let logger):
            logger.log(level: severity == .error ? .error : .warning, "\(message)", metadata: ["file": "\(file)"])
        }
    }
}
