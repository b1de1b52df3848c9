import ArgumentParser
import Glibc

/// Which configuration file a command works with: the same for all commands.
struct ConfigurationFile: ParsableArguments {
    /// The file of the shipped unit and the shipped image.
    static let installed = "/etc/streambridge/bridges.yaml"
    /// Below it are the relative paths of the installed file, see the shipped unit and image.
    static let installedDirectory = "/var/lib/streambridge"
    /// The default files, in order of preference.
    static let standard = ["bridges.yaml", Self.installed]

    @Option(
        name: [.customShort("f"), .customLong("file")],
        help: "The configuration file, as for every command. (default: bridges.yaml here, else \(Self.installed))",
        completion: .file(extensions: ["yaml", "yml"]))
    var file: String?

    /// - Parameter argument: the file where a command takes it without the option.
    /// - Throws: `ValidationError` when both are given.
    func path(or argument: String? = nil) throws -> String {
        if let file, let argument, file != argument {
            throw ValidationError("name one file; '\(file)' and '\(argument)' were given")
        }
        return self.file ?? argument ?? Self.found()
    }

    /// The first existing default file, else the first of all.
    static func found(among files: [String] = Self.standard) -> String {
        files.first { access($0, F_OK) == 0 } ?? files[0]
    }
}

/// The file of the commands that take it as an argument too.
struct ConfigurationFileArgument: ParsableArguments {
    @Argument(
        help: "The configuration file. (default: bridges.yaml here, else \(ConfigurationFile.installed))",
        completion: .file(extensions: ["yaml", "yml"]))
    var file: String?

    @OptionGroup var named: ConfigurationFile

    func path() throws -> String {
        try self.named.path(or: self.file)
    }

    func validate() throws {
        _ = try self.path()
    }
}
