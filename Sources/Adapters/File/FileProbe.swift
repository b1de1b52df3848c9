package import BridgeCore
import Glibc

extension FileSource.Configuration: ProbingConfiguration {
    /// The path.
    package var probedAddress: String { self.path == "-" ? "standard input" : self.path }

    /// Whether the file can be read; one that is followed may come later.
    package func probe(_ context: ProbeContext) async throws -> String {
        guard self.path != "-" else { return "is read once" }
        if access(self.path, R_OK) == 0 { return "may be read" }
        let reason = errno
        guard reason == ENOENT, self.follow else {
            throw ComponentError(
                .inputOutput,
                "\(self.path) cannot be read: \(String(cString: strerror(reason))); put it there, or let this user read it")
        }
        return "is not there yet; it is read once it is"
    }
}

extension FileSink.Configuration: ProbingConfiguration {
    /// The path.
    package var probedAddress: String { self.destination.path == "-" ? "standard output" : self.destination.path }

    /// Whether the file, or a new one in its folder, can be written.
    package func probe(_ context: ProbeContext) async throws -> String {
        let path = self.destination.path
        guard path != "-" else { return "is written" }
        var status = stat()
        let exists = stat(path, &status) == 0
        guard !exists || status.st_mode & S_IFMT != S_IFDIR else {
            throw ComponentError(.inputOutput, "\(path) cannot be written: it is a directory; name a file in it")
        }
        if exists, access(path, W_OK) == 0 { return "may be written" }
        let folder = path.lastIndex(of: "/").map { path[..<$0].isEmpty ? "/" : String(path[..<$0]) } ?? "."
        if !exists, access(folder, W_OK | X_OK) == 0 { return "may be created" }
        let reason = errno
        let remedy = reason == ENOENT ? "create the directory \(folder)" : "let the user with the id \(geteuid()) write it"
        throw ComponentError(
            .inputOutput, "\(path) cannot be written: \(String(cString: strerror(reason))); \(remedy), or name another file")
    }
}
