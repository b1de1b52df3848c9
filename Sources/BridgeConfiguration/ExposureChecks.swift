import BridgeCore

/// Warns of what everybody on the network can use.
struct ExposureChecks {
    let http: HTTPSettings
    let root: Located
    let findings: Findings

    func check() {
        guard let place = self.root.child("http") else { return }
        if let admin = self.http.admin, let address = admin.address, !address.isLoopback, admin.token == nil {
            self.findings.warning(
                "open to other machines: every client sees metrics and names of peers; set http.admin.token, or listen on 127.0.0.1",
                at: place.child("admin")?.child("listen") ?? place
            )
        }
        let address = ListenAddress(host: self.http.host, port: self.http.port)
        guard !address.isLoopback, self.http.access == nil else { return }
        let open =
            self.components("sources", type: "webhook", protections: ["token", "password", "signature"])
            + self.components("sinks", type: "sse", protections: ["token"])
        guard !open.isEmpty else { return }
        let names = open.prefix(5).joined(separator: ", ") + (open.count > 5 ? " and \(open.count - 5) more" : "")
        self.findings.warning(
            "open to other machines: every client can use \(names) without credentials; set http.access, give them a token, or listen on 127.0.0.1",
            at: place.child("listen") ?? place
        )
    }

    /// The components of a kind without protection of their own.
    private func components(_ part: String, type: String, protections: [String]) -> [String] {
        (self.root.child(part)?.members ?? []).filter { _, component in
            component.child("type")?.text == type && !protections.contains { component.child($0) != nil }
        }.map { "\(part).\($0.key)" }
    }
}
