/// A program in Go that a test brings along as source, built with Debian's toolchain and without the network.
package final class GoProgram: Sendable {
    /// The path of the built program, which goes with the last reference to it.
    package let path: String
    private let directory: TemporaryDirectory

    private init(_ directory: TemporaryDirectory) {
        self.directory = directory
        self.path = directory.file("program")
    }

    /// Builds a file that imports the standard library only.
    ///
    /// - Throws: ``PeerError`` with what the compiler says.
    package static func build(_ source: String) async throws -> GoProgram {
        let program = GoProgram(try TemporaryDirectory())
        let file = try program.directory.write(source, to: "main.go")
        let environment = [
            "GO111MODULE": "off", "GOFLAGS": "", "GOPROXY": "off",
            "GOCACHE": program.directory.file("cache"), "GOPATH": program.directory.file("path"),
        ]
        let go = try ChildProcess("go", ["build", "-o", program.path, file], environment: environment)
        // The standard library may have to be compiled first.
        let ending = try await go.untilEnded(within: .seconds(180))
        guard ending == .exited(0) else { throw PeerError("go build ended with \(ending): \(go.standardError)") }
        return program
    }
}
