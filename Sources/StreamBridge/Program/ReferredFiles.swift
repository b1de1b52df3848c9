import BridgeConfiguration
import BridgeCore

#if canImport(Glibc)
import Glibc
#endif

/// The files and directories in a configuration, checked before the program starts.
///
/// A file that a source follows may be created later; everything else must be usable at the start.
struct ReferredFiles {
    let plan: BridgePlan

    /// The unusable paths: the setting, with the path, the reason and the remedy in one sentence.
    ///
    /// - Parameter severity: `error` where the program needs them now.
    func problems(_ severity: Diagnostic.Severity) -> [Diagnostic] {
        self.problems.map { self.plan.diagnostic(severity, about: $0.setting, $0.message) }
    }

    private var problems: [(setting: String, message: String)] {
        var problems = self.files.compactMap { setting, file in
            Self.problem(with: file).map { (setting: setting, message: $0) }
        }
        if let directory = self.plan.service.stateDirectory, let problem = Self.problem(withDirectory: directory) {
            problems.append(("service.state_dir", "the directory \(directory) cannot be written: \(problem)"))
        }
        if case .disk(let log) = self.plan.log {
            let setting = "log"
            if let problem = Self.problem(withDirectory: Self.parent(of: log.path)) {
                problems.append((setting, "no log can be created in \(Self.parent(of: log.path)): \(problem)"))
            } else if let problem = Self.problem(withFile: log.path, R_OK | W_OK, isNeeded: false) {
                problems.append((setting, "the file \(log.path) cannot be written: \(problem)"))
            }
        }
        return problems
    }

    /// The paths of the files whose contents take effect, such as certificates and secrets.
    var readPaths: Set<String> {
        self.plan.includedFiles.union(self.files.filter { $0.file.use == .read }.map(\.file.path))
    }

    private var files: [(setting: String, file: ReferredFile)] {
        var files: [(String, ReferredFile)] = []
        func read(_ setting: String, _ path: String?) {
            if let path { files.append((setting, ReferredFile(setting: setting, path: path, use: .read))) }
        }
        read("http.tls.cert_file", self.plan.http.certificateFile)
        read("http.tls.key_file", self.plan.http.keyFile)
        switch self.plan.http.access?.jwt?.keys {
        case .publicKey(let file)?: read("http.access.jwt.public_key_file", file)
        case .file(let file)?: read("http.access.jwt.keys_file", file)
        case .secret?, .url?, nil: break
        }
        for source in self.plan.sources { files += source.files.map { ("sources.\(source.name).\($0.setting)", $0) } }
        for sink in self.plan.sinks { files += sink.files.map { ("sinks.\(sink.name).\($0.setting)", $0) } }
        return files
    }

    private static func problem(with file: ReferredFile) -> String? {
        switch file.use {
        case .read:
            return Self.problem(withFile: file.path, R_OK).map { "the file \(file.path) cannot be read: \($0)" }
        case .follow:
            return Self.problem(withFile: file.path, R_OK, isNeeded: false).map { "the file \(file.path) cannot be read: \($0)" }
        case .append, .rotate:
            if let problem = Self.problem(withFile: file.path, W_OK, isNeeded: false) {
                return "the file \(file.path) cannot be written: \(problem)"
            }
            // An existing file needs nothing else, unless it is replaced.
            guard file.use == .rotate || access(file.path, F_OK) != 0 else { return nil }
            let directory = Self.parent(of: file.path)
            return Self.problem(withDirectory: directory).map { "the file \(file.path) cannot be created in \(directory): \($0)" }
        }
    }

    /// - Parameter isNeeded: whether a missing file is a problem.
    private static func problem(withFile path: String, _ mode: Int32, isNeeded: Bool = true) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let reason = errno
            guard isNeeded || reason != ENOENT else { return nil }
            return Self.sentence(reason, "put it there", mode)
        }
        guard status.st_mode & S_IFMT != S_IFDIR else { return Self.sentence(EISDIR, "", mode) }
        return access(path, mode) == 0 ? nil : Self.sentence(errno, "put it there", mode)
    }

    private static func problem(withDirectory path: String) -> String? {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFDIR { return Self.sentence(ENOTDIR, "", W_OK) }
        return access(path, W_OK | X_OK) == 0 ? nil : Self.sentence(errno, "create the directory", W_OK)
    }

    /// The system's reason, and what helps.
    private static func sentence(_ reason: Int32, _ remedyWhenMissing: String, _ mode: Int32) -> String {
        let remedy =
            switch reason {
            case ENOENT: remedyWhenMissing
            case EACCES, EPERM: "make it \(mode & W_OK != 0 ? "writable" : "readable") for the user with the id \(geteuid())"
            case EROFS: "the program may write only to other directories"
            case ENOTDIR: "a part of the path is a file"
            case EISDIR: "a file is needed"
            default: "check the file system"
            }
        return "\(String(cString: strerror(reason))); \(remedy), or name another one"
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
