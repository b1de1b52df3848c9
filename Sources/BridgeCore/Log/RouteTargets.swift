/// Finds the settings of a sink that a route of an earlier configuration chose.
package struct RouteTargets: Sendable {
    private struct Key: Hashable {
        let sink: String
        let route: String
    }

    private struct SettingsKey: Hashable {
        let sink: String
        let settings: UInt64
    }

    /// By the name of the route; includes routes named by their index, because older logs have no other name for them.
    private var named: [Key: [Route.Target]] = [:]
    /// By identity; only routes without a configured name.
    private var unnamed: [Key: [Route.Target]] = [:]
    private var variants: [SettingsKey: Int] = [:]

    /// - Parameter sinks: the names of the sinks, by index.
    package init(routes: [Route], sinks: [String]) {
        let sinks = ComponentTable<SinkIndex, String>(sinks)
        for route in routes {
            for target in route.targets where sinks.contains(target.sink) {
                let sink = sinks[target.sink]
                self.named[Key(sink: sink, route: route.name), default: []].append(target)
                if route.fingerprint != nil { self.unnamed[Key(sink: sink, route: route.identity), default: []].append(target) }
                let settings = SettingsKey(sink: sink, settings: target.settings)
                if self.variants[settings] == nil { self.variants[settings] = target.variant }
            }
        }
    }

    /// The variant for an event that was routed earlier.
    ///
    /// The variant with the settings that its route had chosen, wherever they are now; otherwise the known route's
    /// current variant; otherwise the sink's own settings.
    ///
    /// - Parameters:
    ///   - route: as stored in a log on disk.
    ///   - wanted: the variant when the event was routed, valid only while routes keep their order.
    package func variant(sink: String, route: String, wanted: Int = 0) -> Int {
        if let found = self.named[Key(sink: sink, route: route)] { return Self.variant(among: found, wanted) }
        let stored = StoredRoute(text: route)
        guard let fingerprint = stored.fingerprint else {
            let found = self.named[Key(sink: sink, route: stored.name)] ?? []
            if let same = found.first(where: { $0.settings == stored.settings }) { return same.variant }
            if !found.isEmpty { return Self.variant(among: found, wanted) }
            return self.variant(sink: sink, settings: stored.settings) ?? 0
        }
        let found = self.unnamed[Key(sink: sink, route: "#\(fingerprint.hexadecimal)")] ?? []
        let same = found.first { $0.settings == stored.settings }
        return same?.variant ?? self.variant(sink: sink, settings: stored.settings) ?? found.first?.variant ?? 0
    }

    private func variant(sink: String, settings: UInt64) -> Int? {
        // The sink's own settings cannot have moved to another `with:`.
        settings == 0 ? nil : self.variants[SettingsKey(sink: sink, settings: settings)]
    }

    private static func variant(among found: [Route.Target], _ wanted: Int) -> Int {
        found.contains { $0.variant == wanted } ? wanted : found[0].variant
    }
}
