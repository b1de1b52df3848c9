import BridgeCore

/// The name of the command in the arguments of the program.
enum CommandName {
    /// Words for commands in other programs, and for what is no command here.
    private static let others = [
        "validate": "check", "lint": "check", "verify": "check", "start": "run", "serve": "run", "watch": "run --watch",
        "version": "--version", "reload": "run, which loads the file again on SIGHUP", "status": "top", "health": "healthcheck",
        "dlq": "dead-letters", "config": "render",
    ]

    /// What is wrong with the first argument; `nil` when it is a command or an option, or there is none.
    ///
    /// - Parameters:
    ///   - arguments: those of the process, without its name.
    ///   - known: the names of all commands.
    static func mistake(in arguments: some Collection<String>, known: [String]) -> String? {
        guard let name = arguments.first, !name.hasPrefix("-"), name != "help", !known.contains(name) else { return nil }
        let beginning = "there is no command '\(name)'"
        if let other = self.others[name] { return "\(beginning); use \(other)" }
        if name.hasSuffix(".yaml") || name.hasSuffix(".yml") { return "\(beginning); write run \(name)" }
        return beginning + NearestName.hint(for: name, among: known, listed: known.joined(separator: ", "))
    }
}
