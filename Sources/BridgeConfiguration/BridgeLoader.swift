package import BridgeCore

/// Reads a configuration file into a plan, or says everything that is wrong with it.
package struct BridgeLoader: Sendable {
    private let catalog: AdapterCatalog
    private let expressions: any ExpressionCompiler
    private let expansion: ScalarExpansion

    /// - Parameters:
    ///   - environment: what `${env:NAME}` stands for.
    ///   - readFile: what `${file:PATH}` stands for.
    package init(
        catalog: AdapterCatalog, expressions: any ExpressionCompiler, environment: [String: String],
        readFile: @escaping @Sendable (String) throws -> String
    ) {
        self.catalog = catalog
        self.expressions = expressions
        self.expansion = ScalarExpansion(environment: environment, readFile: readFile)
    }

    /// Reads the text of a file.
    ///
    /// No I/O but for `${file:PATH}`.
    ///
    /// - Parameter file: its name, for messages.
    package func load(text: String, file: String) throws(ConfigurationErrors) -> BridgePlan {
        let findings = Findings(file: file)
        var plan = BridgePlan()
        if let root = self.root(text, findings) { self.read(root, into: &plan, findings) }
        try Self.throwErrors(of: findings)
        plan.warnings = findings.warnings.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
        return plan
    }

    static func throwErrors(of findings: Findings) throws(ConfigurationErrors) {
        guard findings.errors.isEmpty else {
            throw ConfigurationErrors(
                diagnostics: findings.errors.sorted { ($0.line, $0.column, $0.message) < ($1.line, $1.column, $1.message) }
            )
        }
    }

    /// Bytes that names of components and of the service may have.
    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// - Parameter isWanted: whether references in the scalar at a path are followed; the others are left as they are.
    func root(_ text: String, _ findings: Findings, isWanted: @escaping ([String]) -> Bool = { _ in true }) -> Located? {
        NodeReader(expansion: self.expansion, findings: findings, isWanted: isWanted).root(of: text)
    }

    private func read(_ root: Located, into plan: inout BridgePlan, _ findings: Findings) {
        findings.refuseUnknownKeys(
            of: root, known: ["version", "service", "http", "log", "defaults", "sources", "sinks", "routes"])
        if let version = root.child("version"), version.text != "1" {
            findings.error("'\(version.text ?? "")' is no known version; 1 is", at: version)
        }
        let decoding = SettingsDecoding(findings: findings, userInfo: [.expressionCompiler: self.expressions])
        self.readService(root, into: &plan, decoding, findings)
        let defaults = root.child("defaults")
        if let defaults {
            findings.refuseUnknownKeys(of: defaults, known: ["source", "sink", "dead_letter", "unrouted", "event"])
            if let event = defaults.child("event") {
                findings.refuseUnknownKeys(of: event, known: EventDeclaration.CodingKeys.allCases.map(\.rawValue))
                plan.limits = decoding.decode(event, as: EventDeclaration.self)?.limits ?? plan.limits
            }
        }
        let components = ComponentReader(
            catalog: self.catalog, decoding: decoding, findings: findings, defaults: defaults, limits: plan.limits,
            isDurable: plan.log.isDurable
        )
        let sources = components.sources(root.child("sources"))
        var sinks = components.sinks(root.child("sinks"))
        let sinkNames = root.child("sinks")?.members.map(\.key) ?? []
        plan.routes = RouteReader(
            components: components, expressions: self.expressions, sourceNames: root.child("sources")?.members.map(\.key) ?? [],
            sinkNames: sinkNames
        ).routes(root.child("routes"), sinks: &sinks)
        plan.sources = sources.map(\.prepared)
        plan.sinks = sinks.map(\.prepared)
        let graph = GraphChecks(
            root: root, defaults: defaults, sources: sources, sinks: sinks, sinkNames: sinkNames, isDurable: plan.log.isDurable,
            findings: findings)
        plan.unroutedSink = graph.check(plan.routes)
        ExposureChecks(http: plan.http, root: root, findings: findings).check()
    }

    private func readService(
        _ root: Located, into plan: inout BridgePlan, _ decoding: SettingsDecoding, _ findings: Findings
    ) {
        if let service = root.child("service") {
            findings.refuseUnknownKeys(of: service, known: ServiceDeclaration.CodingKeys.allCases.map(\.rawValue))
            if let log = service.child("log") {
                findings.refuseUnknownKeys(of: log, known: ServiceDeclaration.LogKeys.allCases.map(\.rawValue))
            }
            plan.service = decoding.decode(service, as: ServiceDeclaration.self)?.settings ?? plan.service
        }
        if let http = root.child("http") {
            findings.refuseUnknownKeys(of: http, known: HTTPDeclaration.CodingKeys.allCases.map(\.rawValue))
            if let tls = http.child("tls") {
                findings.refuseUnknownKeys(of: tls, known: HTTPDeclaration.TLSKeys.allCases.map(\.rawValue))
            }
            plan.http = decoding.decode(http, as: HTTPDeclaration.self)?.settings ?? plan.http
        }
        plan.log = self.log(root, directory: plan.service.stateDirectory, decoding, findings) ?? plan.log
    }
}
