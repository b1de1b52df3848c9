import BridgeCore
import YAML

/// Warns of addresses that are legal and surely not meant: the port of another protocol, or the program itself.
struct AddressChecks {
    let http: HTTPSettings
    let findings: Findings

    /// The schemes that are used at a well-known port.
    private static let schemes: [Int: [String]] = [
        1883: ["mqtt"], 8883: ["mqtts"], 6379: ["redis", "rediss"], 6380: ["rediss", "redis"], 80: ["http"], 443: ["https"],
        25: ["smtp"], 465: ["smtps"], 587: ["smtp"],
    ]

    /// - Parameters:
    ///   - root: the file, with presets and connections merged.
    ///   - routes: the routes of the plan.
    ///   - sinks: the names of the sinks, in the order of their indices.
    func check(_ root: Located, _ routes: [Route], sinks: [String]) {
        let components = ["sources", "sinks"].flatMap { root.child($0)?.members ?? [] }
        for (_, component) in components {
            guard let place = component.child("url") else { continue }
            for item in place.items { self.checkPort(of: item) }
        }
        self.warnOfOwnWebhooks(root, routes, sinks)
        self.warnOfOwnStreams(root, routes, sinks)
    }

    // MARK: - Ports

    private func checkPort(of place: Located) {
        guard let text = place.text, !text.contains("{{"), let address = Address(text) else { return }
        if address.scheme.hasPrefix("redis"), let user = address.user, !user.isEmpty, !user.contains(":") {
            self.findings.warning(
                "names a user without a password; a password alone is written \(address.scheme)://:PASSWORD@\(address.host)",
                at: place)
        }
        guard let port = address.port, let schemes = Self.schemes[port], !schemes.contains(address.scheme) else { return }
        // Every protocol is offered at the ports that firewalls let through.
        if port == 80 || port == 443, !address.scheme.hasPrefix("http") { return }
        let known = Self.schemes.values.contains { $0.contains(address.scheme) }
        guard known else { return }
        self.findings.warning(
            "\(port) is the port of \(schemes[0])://; write that, or the port of \(address.scheme)://", at: place)
    }

    // MARK: - The program itself

    /// A webhook sink that posts to a webhook source of the program, whose events go to the same sink.
    private func warnOfOwnWebhooks(_ root: Located, _ routes: [Route], _ sinks: [String]) {
        let receivers = (root.child("sources")?.members ?? []).filter { $0.value.child("type")?.text == "webhook" }
        for (sink, component) in root.child("sinks")?.members ?? [] where component.child("type")?.text == "webhook" {
            guard let place = component.child("url"), let path = self.ownPath(place.text) else { continue }
            for (source, receiver) in receivers {
                let ids = receiver.child("id")?.items.compactMap(\.text) ?? []
                guard ids.contains(where: { path == "/api/webhooks/\($0)" || path == "/n/\($0)" }),
                    Self.leads(from: source, to: sink, routes, sinks)
                else { continue }
                self.findings.warning(
                    "events return to their source: this address is the source \(source) of this program; each is dropped when it comes back, so write another address, or give the route a match",
                    at: place, rule: .loop)
            }
        }
    }

    /// An SSE source that reads a stream of the program, whose events go to the same stream.
    private func warnOfOwnStreams(_ root: Located, _ routes: [Route], _ sinks: [String]) {
        let streams = (root.child("sinks")?.members ?? []).filter { $0.value.child("type")?.text == "sse" }
        for (source, component) in root.child("sources")?.members ?? [] where component.child("type")?.text == "sse" {
            guard let place = component.child("url"), let path = self.ownPath(place.text) else { continue }
            for (sink, stream) in streams {
                guard let name = stream.child("stream")?.text, path == "/api/stream/\(name)",
                    Self.leads(from: source, to: sink, routes, sinks)
                else { continue }
                self.findings.warning(
                    "events return to their source: this address is the stream \(name) of this program; each is dropped when it comes back, so read another address, or give the route a match",
                    at: place, rule: .loop)
            }
        }
    }

    /// Whether a route without conditions leads from a source to a sink.
    private static func leads(from source: String, to sink: String, _ routes: [Route], _ sinks: [String]) -> Bool {
        routes.contains { route in
            route.match == nil && route.when == nil && route.sources?.contains(source) ?? true
                && route.targets.contains { $0.sink.rawValue < sinks.count && sinks[$0.sink.rawValue] == sink }
        }
    }

    /// The path of an address at which this program listens; `nil` for any other.
    private func ownPath(_ text: String?) -> String? {
        guard let text, !text.contains("{{"), let address = Address(text),
            address.port ?? (address.scheme == "https" ? 443 : 80) == self.http.port
        else { return nil }
        let isLoopback = ListenAddress(host: address.host, port: 0).isLoopback
        let listens = ListenAddress(host: self.http.host, port: 0).isLoopback || ["::", "0.0.0.0"].contains(self.http.host)
        guard isLoopback && listens || address.host == self.http.host else { return nil }
        return address.path
    }

    /// The parts of a URL that these checks compare.
    private struct Address {
        let scheme: String
        /// The text before the `@`; `nil` without one.
        let user: String?
        let host: String
        let port: Int?
        /// Without the query.
        let path: String

        init?(_ text: String) {
            guard let separator = text.firstRange(of: "://") else { return nil }
            self.scheme = text[..<separator.lowerBound].lowercased()
            let rest = text[separator.upperBound...]
            let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            self.path = String(rest[authority.endIndex...].prefix { $0 != "?" && $0 != "#" })
            let at = authority.lastIndex(of: "@")
            self.user = at.map { String(authority[..<$0]) }
            let server = at.map { authority[authority.index(after: $0)...] } ?? authority
            let colon = server.last == "]" ? nil : server.lastIndex(of: ":")
            self.port = colon.flatMap { Int(server[server.index(after: $0)...]) }
            let host = colon.map { server[..<$0] } ?? server
            self.host = (host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : String(host)).lowercased()
        }
    }
}
