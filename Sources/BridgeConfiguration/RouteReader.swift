import BridgeCore
import YAML

/// Reads `routes:`, once sources and sinks are known.
struct RouteReader {
    let components: ComponentReader
    let expressions: any ExpressionCompiler
    /// The names of all sources and sinks of the file, including those with mistakes, so that these are not reported
    /// twice.
    let sourceNames: [String]
    let sinkNames: [String]
    /// Whether the log survives the program.
    let isDurable: Bool
    private var findings: Findings { self.components.findings }

    init(
        components: ComponentReader, expressions: any ExpressionCompiler, sourceNames: [String], sinkNames: [String],
        isDurable: Bool
    ) {
        self.components = components
        self.expressions = expressions
        self.sourceNames = sourceNames
        self.sinkNames = sinkNames
        self.isDurable = isDurable
    }

    /// - Parameter sinks: gets a further variant for each different `with:`.
    func routes(_ place: Located?, sinks: inout [ComponentReader.Found<PreparedSink>]) -> [Route] {
        guard let place, !place.isNull else { return [] }
        guard place.node.sequence != nil else {
            self.findings.error("must be a list of routes; begin each with '- '", at: place)
            return []
        }
        var names: Set<String> = []
        let fingerprints = RouteFingerprints(place.items)
        let indices = Dictionary(
            sinks.enumerated().map { ($0.element.prepared.name, $0.offset) }, uniquingKeysWith: { first, _ in first })
        let routes = place.items.enumerated().compactMap { index, place -> Route? in
            guard place.node.mapping != nil else {
                self.findings.error("must be a mapping with a 'to'", at: place)
                return nil
            }
            self.findings.refuseUnknownKeys(of: place, known: BridgeLoader.route)
            let name = self.name(place.child("name")) ?? "route-\(index + 1)"
            if !names.insert(name).inserted {
                self.findings.error(
                    "the name '\(name)' is used twice; give each route its own", at: place.child("name") ?? place)
            }
            self.checkSources(of: place.child("match"))
            return Route(
                name: name, fingerprint: fingerprints.fingerprint(at: index), sources: self.sources(place.child("from")),
                match: self.match(place.child("match")),
                when: self.condition(place.child("when")),
                shaping: self.components.decoding.decodeIfPresent(place.child("set"), as: Shaping.self),
                dedupe: self.dedupe(of: place), tools: self.tools(of: place),
                targets: self.targets(place, &sinks, indices),
                stop: self.stop(place.child("stop")), onError: self.onError(of: place)
            )
        }
        self.warnOfMemory(routes, at: place)
        return routes
    }

    private func name(_ place: Located?) -> String? {
        guard let place else { return nil }
        if place.text == nil { self.findings.error("must be text", at: place) }
        return place.text
    }

    /// A filter for a source that does not exist would never match.
    private func checkSources(of match: Located?) {
        for (key, place) in match?.members ?? [] {
            switch key {
            case "source":
                if place.isNull { self.findings.error("has no value; name a source, or leave it out", at: place) }
                for item in place.items { if let name = item.text { self.refuseUnknownSource(name, at: item) } }
            case "any", "all", "not": for filter in place.items { self.checkSources(of: filter) }
            default: break
            }
        }
    }

    /// - Returns: whether there is such a source.
    @discardableResult private func refuseUnknownSource(_ name: String, at place: Located) -> Bool {
        guard !self.sourceNames.contains(name) else { return true }
        // That there are none is reported already.
        guard !self.sourceNames.isEmpty else { return false }
        self.findings.error(
            "no source is called '\(name)'\(NearestName.hint(for: name, among: self.sourceNames))", at: place, rule: .name)
        return false
    }

    private func sources(_ place: Located?) -> Set<String>? {
        guard let place else { return nil }
        if place.items.isEmpty {
            self.findings.error("is empty; name a source, or leave it out to take from all", at: place)
        }
        let names = place.items.compactMap { item -> String? in
            guard let name = item.text else {
                self.findings.error("must be the name of a source", at: item)
                return nil
            }
            return self.refuseUnknownSource(name, at: item) ? name : nil
        }
        return Set(names)
    }

    private func match(_ place: Located?) -> Matcher? {
        guard let place, let matcher = self.components.decoding.decode(place, as: Matcher.self) else { return nil }
        for warning in matcher.warnings { self.findings.warning(warning.message, at: place.descend(warning.path)) }
        return matcher
    }

    private func condition(_ place: Located?) -> (any Expression)? {
        guard let place else { return nil }
        guard let text = place.text else {
            self.findings.error("must be text: a jq expression", at: place)
            return nil
        }
        do {
            return try self.expressions.compileCondition(text)
        } catch {
            self.findings.error("\(error)", at: place)
            return nil
        }
    }

    private func dedupe(of route: Located) -> Route.Dedupe? {
        let dedupe = route.child("dedupe").flatMap { self.components.decoding.decode($0, group: DedupeDeclaration.self)?.dedupe }
        guard let place = route.child("replace_key"),
            let key = self.components.decoding.decode(place, as: { try SettingCodec<Template>.flowKey.read($0) })
        else { return dedupe }
        if route.child("dedupe") != nil {
            self.findings.error("cannot be used together with dedupe; leave one of them out", at: place)
        }
        return .replacing(key)
    }

    private func tools(of route: Located) -> RouteTools {
        var tools = RouteTools()
        func tool<Tool: SettingGroup>(_ name: String) -> Tool? {
            guard let place = route.child(name) else { return nil }
            return self.components.decoding.decode(place, group: Tool.self)
        }
        tools.changed = tool("changed")
        tools.sample = tool("sample")
        tools.throttle = tool("throttle")
        tools.quietHours = tool("quiet_hours")
        tools.digest = tool("digest")
        tools.expect = tool("expect")
        for (name, warning) in tools.warnings {
            guard let place = route.child(name) else { continue }
            self.findings.warning(warning.message, at: place.descend(warning.path))
        }
        if tools.expect != nil {
            for name in ["set", "dedupe", "replace_key"] + RouteTools.keys where name != "expect" {
                guard let place = route.child(name), !place.isNull else { continue }
                self.findings.error(
                    "has no effect with 'expect', because the events of such a route do not pass; move it to another route",
                    at: place)
            }
        }
        return tools
    }

    /// Warns once of what the tools of all routes lose with a log in memory.
    private func warnOfMemory(_ routes: [Route], at place: Located) {
        guard !self.isDurable else { return }
        func names(_ path: KeyPath<RouteTools, [String]>) -> [String] {
            let found = Set(routes.flatMap { $0.tools?[keyPath: path] ?? [] })
            return RouteTools.keys.filter(found.contains)
        }
        let (holding, remembering) = (names(\.holding), names(\.remembering))
        var losses: [String] = []
        if !holding.isEmpty { losses.append("events kept by \(Self.list(holding)) are lost if the program is killed") }
        if !remembering.isEmpty { losses.append("the state of \(Self.list(remembering)) is lost at each restart") }
        guard !losses.isEmpty else { return }
        self.findings.warning(
            "the log is in memory, so \(losses.joined(separator: ", and ")); add 'log: { kind: sqlite, path: … }'", at: place)
    }

    private static func list(_ names: [String]) -> String {
        names.count < 2 ? names.joined() : "\(names.dropLast().joined(separator: ", ")) and \(names[names.count - 1])"
    }

    private func stop(_ place: Located?) -> Bool {
        guard let place else { return false }
        return self.components.decoding.decode(place, as: Bool.self) ?? false
    }

    private func onError(of route: Located) -> Route.OnError {
        guard let place = route.child("on_error") else { return .deadLetter }
        guard let choice = place.text.flatMap(Route.OnError.init) else {
            let known = Route.OnError.allCases.map(\.rawValue).joined(separator: " or ")
            self.findings.error("must be \(known)", at: place)
            return .deadLetter
        }
        if route.child("when") == nil, route.child("set") == nil {
            self.findings.error(
                "has no effect without 'when' or 'set'; add one of them or leave it out", at: place)
        }
        return choice
    }

    /// - Parameter indices: the places of the sinks by their names.
    private func targets(
        _ route: Located, _ sinks: inout [ComponentReader.Found<PreparedSink>], _ indices: [String: Int]
    ) -> [Route.Target] {
        guard let to = route.child("to"), !to.items.isEmpty else {
            self.findings.error("'to' is missing; name at least one sink", at: route, rule: .missing)
            return []
        }
        var targets: [Route.Target] = []
        for item in to.items {
            let name = item.text ?? item.child("sink")?.text
            if item.node.mapping != nil { self.findings.refuseUnknownKeys(of: item, known: BridgeLoader.target) }
            guard let name else {
                self.findings.error("must be the name of a sink, or {sink: NAME, with: {…}}", at: item)
                continue
            }
            guard let index = indices[name] else {
                if !self.sinkNames.contains(name), !self.sinkNames.isEmpty {
                    let hint =
                        name.contains(",")
                        ? "; several names are a list: [\(name)]" : NearestName.hint(for: name, among: self.sinkNames)
                    self.findings.error("no sink is called '\(name)'\(hint)", at: item, rule: .name)
                }
                continue
            }
            var target = Route.Target(sink: SinkIndex(index))
            if let with = item.child("with"), !with.isNull {
                guard let variant = self.variant(with, of: &sinks[index]) else { continue }
                target.variant = variant
                target.settings = RouteFingerprints.settings(with)
            }
            if targets.contains(target) {
                self.findings.error("the sink '\(name)' is listed twice in this route; remove one", at: item)
            } else {
                targets.append(target)
            }
        }
        return targets
    }

    /// Decodes the sink's settings with the overrides in `with:`.
    private func variant(_ with: Located, of sink: inout ComponentReader.Found<PreparedSink>) -> Int? {
        let registration = sink.prepared.registration
        guard with.node.mapping != nil else {
            self.findings.error("must be a mapping of the sink's settings", at: with)
            return nil
        }
        let allowed = registration.settings.filter(\.isPerRoute).map(\.name)
        var merged = sink.place
        var isAllowed = true
        for (key, value) in with.members {
            if allowed.contains(key) {
                merged = merged.replacing(key, by: value.node)
            } else {
                isAllowed = false
                let list = allowed.isEmpty ? "nothing can" : "\(allowed.sorted().joined(separator: ", ")) can"
                self.findings.error("'\(key)' of a \(registration.kind) sink cannot be set per route; \(list)", at: value)
            }
        }
        // Mistakes are reported at `with:`; only its values are new.
        guard isAllowed,
            let settings = self.components.settings(
                Located(node: merged.node, path: with.path), warningOf: Set(with.members.map(\.key)), registration.decode)
        else { return nil }
        sink.prepared.variants.append(settings)
        sink.prepared.choices.append(RouteFingerprints.settings(with))
        return sink.prepared.variants.count - 1
    }
}
