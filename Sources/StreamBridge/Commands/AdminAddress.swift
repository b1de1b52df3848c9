import ArgumentParser
import BridgeConfiguration
import BridgeCore
import Curl
import Glibc

/// Where a command reaches the running program, and with which token.
struct AdminAddress: ParsableArguments {
    /// The address of a file that names none.
    private static let standard = "http://127.0.0.1:8080"

    @OptionGroup var file: ConfigurationFileArgument

    @Option(help: "The address of the program. (default: that of the file, else \(Self.standard))")
    var url: String?

    @Option(help: "The token of http.admin.token. (default: that of the file, without --url)")
    var token: String?

    func validate() throws {
        if let url, let problem = CurlRequest.problem(withURL: url) { throw ValidationError("--url: the address \(problem)") }
    }

    /// A request for a page of the program.
    ///
    /// - Throws: `ExitCode` after every mistake in the file has been printed.
    func request(_ path: String, timeout: Duration? = nil) throws -> CurlRequest {
        var (base, token) = (self.url ?? Self.standard, self.token)
        if self.url == nil {
            let file = try self.file.path()
            // Without a file there is the standard address; a named file must be there.
            if self.file.file != nil || self.file.named.file != nil || access(file, F_OK) == 0 {
                let http = try ConfigurationInput(file: file).loadHTTP(withAdmin: true)
                base = try Self.base(of: http, file)
                token = token ?? http.admin?.token?.value
            }
        }
        while base.hasSuffix("/") { base.removeLast() }
        let headers = token.map { [(name: "Authorization", value: "Bearer \($0)")] } ?? []
        // The certificate is for the name that clients use, which is not known here.
        return CurlRequest(
            base + path, headers: headers, tls: CurlTLS(isInsecure: self.url == nil), connectTimeout: .seconds(5),
            timeout: timeout)
    }

    /// Why the program did not answer, with the remedy.
    static func reason(for error: CurlError) -> String {
        error.code == .refused
            ? "nothing listens there; start the program with 'streambridge run', or name its address with --url" : error.message
    }

    private static func base(of http: HTTPSettings, _ file: String) throws -> String {
        let address = http.admin?.address ?? ListenAddress(host: http.host, port: http.port)
        guard address.port != 0 else {
            ConfigurationInput.complain("\(file): the port is 0, which the system chooses; use --url")
            throw ExitCode.failure
        }
        return http.adminURL
    }
}
