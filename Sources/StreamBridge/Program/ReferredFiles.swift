import BridgeConfiguration
import BridgeCore

#if canImport(Glibc)
import Glibc
#endif

/// The files that the program itself needs before it can start; those of sources and sinks may come later, and are waited for.
struct ReferredFiles {
    let plan: BridgePlan

    /// What cannot be used, each with its setting and its reason.
    var problems: [String] {
        var files: [(setting: String, path: String)] = []
        if let file = self.plan.http.certificateFile { files.append(("http.tls.cert_file", file)) }
        if let file = self.plan.http.keyFile { files.append(("http.tls.key_file", file)) }
        switch self.plan.http.access?.jwt?.keys {
        case .publicKey(let file)?: files.append(("http.access.jwt.public_key_file", file))
        case .file(let file)?: files.append(("http.access.jwt.keys_file", file))
        case .secret?, .url?, nil: break
        }
        var problems = files.compactMap { setting, path in
            access(path, R_OK) == 0 ? nil : "\(setting): the file \(path) cannot be read: \(String(cString: strerror(errno)))"
        }
        if case .disk(let log) = self.plan.log {
            let directory = log.path.lastIndex(of: "/").map { $0 == log.path.startIndex ? "/" : String(log.path[..<$0]) } ?? "."
            if access(directory, W_OK | X_OK) != 0 {
                problems.append("log: no log can be kept in \(directory): \(String(cString: strerror(errno)))")
            }
        }
        return problems
    }
}
