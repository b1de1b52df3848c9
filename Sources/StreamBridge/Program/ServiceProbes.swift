import BridgeConfiguration
import BridgeCore
import Curl
import HTTPServer
import NIOCore
import NIOPosix

/// The probes of what belongs to no component: listeners, the access hook, and the folders of the program.
struct ServiceProbes {
    /// A probe with its place in the file.
    struct Probe: Sendable {
        let component: String
        let address: String
        /// What its messages must not repeat.
        var redaction = Redaction([])
        /// Returns what was found; `nil` for an adapter without a probe.
        let run: (@Sendable (ProbeContext) async throws -> String)?
    }

    let plan: BridgePlan

    /// Those that the file needs, in its order.
    var all: [Probe] {
        var probes: [Probe] = []
        if self.plan.http.port != 0 {
            probes.append(self.listener("http.listen", self.plan.http.address, self.plan.http.url))
        }
        if let address = self.plan.http.admin?.address, address.port != 0 {
            probes.append(self.listener("http.admin.listen", address, self.plan.http.adminURL))
        }
        if let hook = self.plan.http.access?.hook { probes.append(Self.hook(hook)) }
        if let directory = self.plan.service.stateDirectory {
            probes.append(self.folder("service.state_dir", directory))
        }
        if case .disk(let log) = self.plan.log { probes.append(self.folder("log", log.path)) }
        return probes
    }

    /// Listens for a moment; where the port is taken, asks whether it is taken by this program.
    private func listener(_ component: String, _ address: ListenAddress, _ url: String) -> Probe {
        Probe(component: component, address: address.text) { context in
            do {
                let channel = try await ServerBootstrap(group: context.group)
                    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .bind(host: address.host, port: address.port).get()
                try await channel.close().get()
                return "is free to listen on"
            } catch let error as IOError {
                if error.errnoCode == EADDRINUSE, try await Self.isOurs(url, context) {
                    return "is in use by a running streambridge"
                }
                throw HTTPServerError.listening(on: address.text, error, setting: component)
            }
        }
    }

    /// Whether `/livez` of the address answers as this program does.
    private static func isOurs(_ url: String, _ context: ProbeContext) async throws -> Bool {
        let request = CurlRequest("\(url)/livez", tls: CurlTLS(isInsecure: true), timeout: min(.seconds(2), context.timeout))
        // Any failure means that another program listens.
        let response = try? await context.shared.find(CurlMulti.self).response(to: request, bodyLimit: 1024)
        return response.map { String(buffer: $0.body) } == OperationsPages.alive
    }

    /// Connects, with TLS where the URL has it; no access is asked for.
    private static func hook(_ hook: AccessSettings.Hook) -> Probe {
        let origin = CurlRequest.origin(of: hook.url)
        return Probe(component: "http.access.hook", address: origin) { context in
            let request = CurlRequest(hook.url, method: "OPTIONS", timeout: context.timeout)
            do {
                let head = try await context.shared.find(CurlMulti.self).response(to: request, bodyLimit: 1024).head
                return "answers \(head.line) to OPTIONS; no access was asked for"
            } catch let error as CurlError {
                guard error.code != .cancelled else { throw CancellationError() }
                throw ComponentError(.connectionLost, "\(origin): \(error.message)")
            }
        }
    }

    /// Whether files can be created there.
    private func folder(_ component: String, _ path: String) -> Probe {
        Probe(component: component, address: path) { [plan] _ in
            let problem = ReferredFiles(plan: plan).problems(.error).first { $0.path == component }
            if let problem { throw ComponentError(.inputOutput, problem.message) }
            return "may be written"
        }
    }
}
