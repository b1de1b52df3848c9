import ArgumentParser
import BridgeConfiguration
import BridgeCore
import Expressions

#if canImport(Glibc)
import Glibc
#endif

/// The configuration file as the commands read it: mistakes go to standard error, and end the program with 78.
struct ConfigurationInput {
    let file: String
    /// Compiles the expressions of the file, and keeps the workers that evaluate them.
    let expressions: JQCompiler

    /// - Parameter expressions: those of the running program, for a reload.
    init(file: String, expressions: JQCompiler = JQCompiler()) {
        self.file = file
        self.expressions = expressions
    }

    /// Reads the file for a program that runs with an earlier content of it; nothing is reported.
    ///
    /// - Throws: ``Refusal`` with every mistake, and every file that the program needs and cannot use.
    func loadAgain() throws(Refusal) -> BridgePlan {
        let plan: BridgePlan
        do {
            plan = try self.loader.load(text: try Self.read(self.file), file: self.file, readsTests: false)
        } catch let mistakes as ConfigurationErrors {
            throw Refusal(diagnostics: mistakes.diagnostics)
        } catch {
            throw Refusal(messages: ["\(error)"])
        }
        let problems = ReferredFiles(plan: plan).problems(.error)
        guard problems.isEmpty else { throw Refusal(diagnostics: problems) }
        return plan
    }

    /// Why a running program does not take a file.
    struct Refusal: Error {
        /// Mistakes with a location.
        var diagnostics: [Diagnostic] = []
        /// What has no location in the file; one sentence each.
        var messages: [String] = []
    }

    /// - Throws: `ExitCode` 78 after every mistake has been printed.
    func load() throws -> BridgePlan {
        try self.load(isRunning: false).plan
    }

    /// - Throws: `ExitCode` 78 after every mistake has been logged, and every file that the program needs and cannot use.
    func loadToRun() throws -> BridgePlan {
        let (plan, log) = try self.load(isRunning: true)
        let problems = ReferredFiles(plan: plan).problems(.error)
        for problem in problems { log.report(problem) }
        guard problems.isEmpty else { throw ExitCode(EX_CONFIG) }
        return plan
    }

    /// Everything that can be said about the file without running it, in the order of its lines.
    ///
    /// Prints nothing. The plan is `nil` for a file with errors.
    func check() -> (plan: BridgePlan?, diagnostics: [Diagnostic]) {
        do {
            let plan = try self.loader.load(text: try Self.text(of: self.file), file: self.name)
            // Warnings, not mistakes: a file may be checked on another machine than it runs on.
            let found = plan.warnings + ReferredFiles(plan: plan).problems(.warning)
            return (plan, found.sorted { ($0.line, $0.column) < ($1.line, $1.column) })
        } catch let mistakes as ConfigurationErrors {
            return (nil, mistakes.diagnostics)
        } catch {
            let message = "\(error)\(self.searched)"
            return (nil, [Diagnostic(severity: .error, rule: .file, file: self.name, message: message)])
        }
    }

    /// The file in YAML as the program understands it.
    ///
    /// - Throws: `ExitCode` 78 after every mistake has been printed.
    func render(showsDefaults: Bool) throws -> String {
        try self.read(from: Self.text(of:)) { loader, text in
            try loader.render(text: text, file: self.name, showsDefaults: showsDefaults)
        }
    }

    /// The file's name in messages.
    var name: String { self.file == Self.standardInput ? "<stdin>" : self.file }

    /// The name that stands for standard input.
    static let standardInput = "-"

    private static func text(of file: String) throws -> String {
        guard file == Self.standardInput else { return try Self.read(file) }
        let descriptor = dup(STDIN_FILENO)
        guard descriptor >= 0, let input = fdopen(descriptor, "r") else {
            throw FileError(message: String(cString: strerror(errno)))
        }
        defer { fclose(input) }
        return try Self.read(input)
    }

    private var loader: BridgeLoader {
        BridgeLoader(
            catalog: .shipped, expressions: self.expressions, environment: Self.environment(),
            included: IncludedFiles(
                paths: IncludedPaths.paths(of:), folders: IncludedPaths.folders(of:), read: { try Self.readRegular($0) }),
            readFile: { try Self.read($0, atMost: Self.largestValue) }
        )
    }

    private func load(isRunning: Bool) throws -> (plan: BridgePlan, log: StartLog) {
        var log = StartLog.lines
        let plan = try self.read(reportingTo: { log }) { loader, text in
            if isRunning { log = .log(format: loader.logFormat(text: text)) }
            return try loader.load(text: text, file: self.file, readsTests: !isRunning)
        }
        for warning in plan.warnings { log.report(warning) }
        return (plan, log)
    }

    /// Reads a file that has only tests.
    ///
    /// - Throws: `ExitCode` 78 after every mistake has been printed.
    func loadTests(in file: String, plan: BridgePlan) throws -> [FileTest] {
        try self.read(file) { loader, text in try loader.loadTests(text: text, file: file, plan: plan) }
    }

    /// Reads a message that is written as options of a command.
    ///
    /// - Throws: `ExitCode` 64 after every mistake has been printed.
    func message(source: String?, keys: [(name: String, value: String)], body: SampleBody, plan: BridgePlan) throws -> TestMessage
    {
        do {
            return try self.loader.message(source: source, keys: keys, body: body, plan: plan, file: "options")
        } catch {
            for mistake in error.diagnostics {
                Self.complain("\(mistake.path.isEmpty ? "" : "--\(mistake.path): ")\(mistake.message)")
            }
            throw ExitCode(EX_USAGE)
        }
    }

    /// Only where the log is: what the rest refers to need not be there.
    ///
    /// - Throws: `ExitCode` 78 after every mistake has been printed.
    func loadLog() throws -> (log: LogPlan, sinks: [String]) {
        try self.read { loader, text in try loader.loadLog(text: text, file: self.file) }
    }

    /// Only where the program listens: what the rest refers to need not be there.
    ///
    /// - Parameter withAdmin: whether `http.admin` is wanted too, with its token.
    /// - Throws: `ExitCode` 78 after every mistake has been printed.
    func loadHTTP(withAdmin: Bool = false) throws -> HTTPSettings {
        try self.read { loader, text in try loader.loadHTTP(text: text, file: self.file, withAdmin: withAdmin) }
    }

    /// Writes a line to standard error.
    static func complain(_ line: String) {
        var line = line + "\n"
        line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// - Parameter file: by default the configuration file.
    private func read<Value>(
        _ file: String? = nil, reportingTo log: () -> StartLog = { .lines },
        from text: (String) throws -> String = { try Self.read($0) }, _ body: (BridgeLoader, String) throws -> Value
    ) throws -> Value {
        do {
            return try body(self.loader, try text(file ?? self.file))
        } catch let mistakes as ConfigurationErrors {
            for mistake in mistakes.diagnostics { log().report(mistake) }
            throw ExitCode(EX_CONFIG)
        } catch let error as FileError {
            log().report(.error, error.message + (file == nil ? self.searched : ""), file: file ?? self.name)
            throw ExitCode(EX_CONFIG)
        }
    }

    /// The default files that were tried.
    private var searched: String {
        guard self.file == ConfigurationFile.standard[0], access(self.file, F_OK) != 0 else { return "" }
        return ", and there is no \(ConfigurationFile.installed); name the file"
    }

    private static func environment() -> [String: String] {
        var result: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { result[String(pair[0])] = String(pair[1]) }
            entry += 1
        }
        return result
    }

    /// The largest configuration file in bytes.
    private static let largestFile = 16 << 20
    /// The largest value of `${file:PATH}` in bytes.
    private static let largestValue = 1 << 20

    private static func read(_ path: String, atMost limit: Int = Self.largestFile) throws -> String {
        guard let file = fopen(path, "r") else { throw FileError(message: Self.openingProblem(path, errno)) }
        defer { fclose(file) }
        return try Self.read(file, atMost: limit)
    }

    /// - Throws: ``FileError`` also for a file above the limit in bytes.
    private static func read(_ file: UnsafeMutablePointer<FILE>, atMost limit: Int = Self.largestFile) throws -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk[..<count]
            guard bytes.count <= limit else {
                throw FileError(message: "it is larger than \(limit >> 20) MiB")
            }
        }
        guard ferror(file) == 0 else {
            throw FileError(
                message: errno == EISDIR ? "this is a directory; name the file in it" : String(cString: strerror(errno)))
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw FileError(message: Self.encodingProblem(bytes)) }
        return text
    }

    /// Reads an included file; opening a named pipe would wait for a writer.
    private static func readRegular(_ path: String) throws -> String {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG, status.st_mode & S_IFMT != S_IFDIR {
            throw FileError(message: "it is no regular file; name another one, or move it out of the folder")
        }
        return try Self.read(path)
    }

    private static func openingProblem(_ path: String, _ code: Int32) -> String {
        let reason = String(cString: strerror(code))
        switch code {
        case ENOENT where path == Self.standardInput: return "this command does not read standard input; name a file"
        case ENOENT:
            for (ending, other) in [(".yaml", ".yml"), (".yml", ".yaml")] where path.hasSuffix(ending) {
                let near = path.dropLast(ending.count) + other
                if access(String(near), F_OK) == 0 { return "\(reason); did you mean '\(near)'?" }
            }
            return reason
        case EACCES: return "\(reason); let this user read it"
        default: return reason
        }
    }

    private static func encodingProblem(_ bytes: [UInt8]) -> String {
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            return "the file is UTF-16; save it as UTF-8"
        }
        if bytes.contains(0) { return "this is no text file; name another one" }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
        return "line \(line + 1) is not UTF-8; save the file as UTF-8"
    }

    /// Why a file cannot be read.
    struct FileError: Error, CustomStringConvertible {
        let message: String

        var description: String { self.message }
    }
}
