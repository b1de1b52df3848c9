import Glibc

/// The Python clients and servers that Debian does not package, in an environment below `.build` that `deploy/packages --tests`
/// creates.
package enum PythonEnvironment {
    /// The path of the environment's interpreter.
    ///
    /// - Throws: ``PeerError`` with the command that creates the environment.
    package static func interpreter() throws -> String {
        let program = BridgeProcess.executable
        guard let build = program.firstRange(of: "/.build/") else {
            throw PeerError("\(program) is not in a build folder, beside which the Python environment is looked for")
        }
        let path = program[..<build.upperBound] + "python/bin/python3"
        guard access(String(path), X_OK) == 0 else {
            throw PeerError("there is no \(path); deploy/packages --tests makes it")
        }
        return String(path)
    }
}
