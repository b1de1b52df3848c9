import ArgumentParser

/// `streambridge render [FILE]`.
struct RenderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render",
        abstract: "Print a file as the program understands it: references resolved, presets merged, secrets hidden.",
        discussion: """
            The output is a file that loads again, apart from the secrets. With --defaults it has every key: with its default, or as a \
            comment where the default depends on something else. The FILE `-` is standard input.
            """
    )

    @OptionGroup var file: ConfigurationFileArgument

    @Flag(help: "Show the keys that the file leaves out.")
    var defaults = false

    func run() throws {
        let text = try ConfigurationInput(file: try self.file.path()).render(showsDefaults: self.defaults)
        try StandardOutput.write(line: String(text.dropLast()))
    }
}
