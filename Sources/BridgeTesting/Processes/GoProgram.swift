/// A Go program that a test contains as source, built with Debian's toolchain and without the network.
package final class GoProgram: Sendable {
    /// The path of the built program; removed with the last reference.
    package let path: String
    private let directory: TemporaryDirectory

    private init(_ directory: TemporaryDirectory) {
        self.directory = directory
        self.path = directory.file("program")
    }

    /// Builds a source file that imports only the standard library.
    ///
    /// - Throws: ``PeerError`` with the compiler's output, and after 180 s.
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
