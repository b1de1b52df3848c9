import BridgeCore

/// The parts of a file that a reload compares: sources, sinks, routes, listeners and access, each with a hash of what takes
/// effect.
package struct PlanParts: Sendable {
    /// One part.
    struct Part: Sendable {
        /// The same in every file that has the part.
        let key: String
        /// The name in answers and log lines, such as `sink home`.
        let label: String
        let mark: UInt64
    }

    let parts: [Part]

    /// Makes the parts of a file.
    ///
    /// - Parameter contents: a hash of the contents of a file at a path, such as a certificate.
    package init(_ plan: BridgePlan, contents: (String) -> UInt64) {
        func marked(_ fingerprint: UInt64, _ paths: [String]) -> UInt64 {
            var hash = Fingerprint()
            hash.add(fingerprint)
            for path in paths { hash.add(contents(path)) }
            return hash.value
        }
        func read(_ files: [ReferredFile]) -> [String] {
            files.filter { if case .read = $0.use { true } else { false } }.map(\.path)
        }
        var parts: [Part] = []
        for source in plan.sources {
            let label = Self.source(source.name)
            parts.append(Part(key: label, label: label, mark: marked(source.fingerprint, read(source.files))))
        }
        let shown = Self.shown(plan)
        for sink in plan.sinks {
            let label = Self.sink(sink.name)
            var fingerprint = marked(sink.fingerprint, read(sink.files))
            if sink.variants[0] is any AnnouncingConfiguration { fingerprint ^= shown }
            parts.append(Part(key: label, label: label, mark: fingerprint))
        }
        for (route, fingerprint) in zip(plan.routes, plan.routeFingerprints) {
            parts.append(Part(key: "route \(route.identity)", label: "route \(route.name)", mark: fingerprint))
        }
        self.parts = parts + Self.listeners(plan.http, marked)
    }

    /// The label of a source.
    package static func source(_ name: String) -> String { "source \(name)" }

    /// The label of a sink.
    package static func sink(_ name: String) -> String { "sink \(name)" }

    private static func listeners(_ http: HTTPSettings, _ marked: (UInt64, [String]) -> UInt64) -> [Part] {
        func part(_ label: String, _ texts: [String], _ files: [String] = []) -> Part {
            var hash = Fingerprint()
            for text in texts { hash.add(text) }
            return Part(key: label, label: label, mark: marked(hash.value, files))
        }
        let tls = [http.certificateFile, http.keyFile].compactMap { $0 }
        let policy = [
            "\(http.allowedHosts ?? ["default"])", "\(http.publishOrigins)",
            http.trustedProxies.map { "\($0.address)/\($0.prefix)" }.joined(separator: ","),
        ]
        let own = ListenAddress(host: http.host, port: http.port)
        var parts = [part("listener http", [own.text] + policy + tls, tls)]
        if let address = http.admin?.address {
            let files = address.isLoopback ? [] : tls
            parts.append(part("listener admin", [address.text] + policy + files, files))
        }
        if http.accessFingerprint != 0 || http.access != nil {
            var files: [String] = []
            switch http.access?.jwt?.keys {
            case .publicKey(let file)?, .file(let file)?: files = [file]
            case .secret?, .url?, nil: break
            }
            parts.append(part("access", ["\(http.accessFingerprint)"], files))
        }
        if let token = http.admin?.token { parts.append(part("access to administration", [token.value])) }
        return parts
    }

    /// A hash of the names that a sink shows which announces the parts of the program.
    private static func shown(_ plan: BridgePlan) -> UInt64 {
        var hash = Fingerprint()
        for list in [plan.sources.map(\.name), plan.sinks.map(\.name), plan.routes.flatMap { [$0.name, $0.identity] }] {
            hash.add(UInt64(list.count))
            for name in list { hash.add(name) }
        }
        return hash.value
    }
}

/// How a file differs from the running one.
package struct PlanChanges: Sendable, Equatable {
    /// Parts that the running file does not have.
    package private(set) var added: [String] = []
    /// Parts that differ and start again.
    package private(set) var changed: [String] = []
    /// Parts that only the running file has.
    package private(set) var removed: [String] = []
    /// Parts that run on untouched.
    package private(set) var kept: [String] = []

    /// Compares two files.
    ///
    /// - Parameter mustChange: labels of parts that start again although they are the same, because of others.
    package init(from old: PlanParts, to new: PlanParts, mustChange: Set<String> = []) {
        let known = Dictionary(old.parts.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        let wanted = Set(new.parts.map(\.key))
        for part in new.parts {
            guard let before = known[part.key] else {
                self.added.append(part.label)
                continue
            }
            if before.mark == part.mark, !mustChange.contains(part.label) {
                self.kept.append(part.label)
            } else {
                self.changed.append(part.label)
            }
        }
        self.removed = old.parts.filter { !wanted.contains($0.key) }.map(\.label)
        // A route without a name is another one when its content differs, and often has the same number.
        let renumbered = Set(self.added).intersection(self.removed)
        self.added.removeAll(where: renumbered.contains)
        self.removed.removeAll(where: renumbered.contains)
        self.changed += new.parts.map(\.label).filter(renumbered.contains)
    }

    /// Whether everything is kept.
    package var isEmpty: Bool { self.added.isEmpty && self.changed.isEmpty && self.removed.isEmpty }
}
