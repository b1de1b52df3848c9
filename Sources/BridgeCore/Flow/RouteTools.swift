/// The tools of one route that decide by what came before: which events pass, and when.
///
/// They apply in this order: `changed`, `sample`, `throttle`, `quiet_hours`, `digest`. A route with `expect` passes
/// nothing but what `expect` makes. Immutable; reading an event needs a reader per thread.
package struct RouteTools: Sendable {
    /// `changed:`.
    package var changed: Changed?
    /// `sample:`.
    package var sample: Sample?
    /// `throttle:`.
    package var throttle: Throttle?
    /// `quiet_hours:`.
    package var quietHours: QuietHours?
    /// `digest:`.
    package var digest: Digest?
    /// `expect:`.
    package var expect: Expect?

    /// The keys of the file, in the order in which the tools apply.
    package static let keys = ["changed", "sample", "throttle", "quiet_hours", "digest", "expect"]

    /// Makes no tools.
    package init() {}

    /// Whether the route has none.
    package var isEmpty: Bool {
        self.changed == nil && self.sample == nil && self.throttle == nil && self.quietHours == nil && self.digest == nil
            && self.expect == nil
    }

    /// The keys of the file whose tools keep events until they pass; a log in memory loses these when the program is
    /// killed.
    package var holding: [String] {
        var names: [String] = []
        if self.sample?.interval != nil { names.append("sample") }
        if self.quietHours?.action == .hold || self.quietHours?.action == .digest { names.append("quiet_hours") }
        if self.digest != nil { names.append("digest") }
        return names
    }

    /// The keys of the file whose tools remember events; a log in memory loses that at each restart.
    package var remembering: [String] {
        var names: [String] = []
        if self.changed != nil { names.append("changed") }
        if self.sample?.count != nil { names.append("sample") }
        if self.throttle != nil { names.append("throttle") }
        if self.expect != nil { names.append("expect") }
        return names
    }

    /// Conditions that are valid but can never hold, by the key of their tool.
    package var warnings: [(tool: String, warning: SettingError)] {
        let filters = [
            ("throttle", self.throttle?.bypass), ("quiet_hours", self.quietHours?.except), ("digest", self.digest?.bypass),
        ]
        return filters.flatMap { tool, filter in (filter?.warnings ?? []).map { (tool, $0) } }
    }

    /// Whether every event that comes round passes again, so that the route does not end a loop.
    package var mayRepeat: Bool { self.changed == nil && self.expect == nil }

    private var templates: [Template] {
        [
            self.changed?.value, self.changed?.key, self.sample?.key, self.throttle?.key, self.digest?.key, self.expect?.key,
        ].compactMap { $0 }
    }

    /// Whether its keys need an evaluator.
    var isEvaluated: Bool { self.templates.contains(where: \.isEvaluated) }

    /// The expressions to evaluate for the event that the reader holds.
    func expressions(for reader: EventReader) -> [any Expression] { self.templates.flatMap { $0.expressions(for: reader) } }

    /// What the tools need to know about the event that the reader holds.
    ///
    /// - Throws: ``ExpressionError``.
    func reading(of reader: EventReader) throws -> ToolReading {
        var reading = ToolReading()
        if let changed {
            reading.changedValue = try changed.value.renderKey(reader).map(ToolReading.bounded)
            reading.changedKey =
                changed.key.text.isEmpty
                ? ToolReading.bounded("\(reader.event?.source ?? "")\u{0}\(reader.event?.subject ?? "")")
                : try Self.key(changed.key, reader)
        }
        if let sample { reading.sampleKey = try Self.key(sample.key, reader) }
        if let throttle {
            reading.throttleKey = try Self.key(throttle.key, reader)
            reading.bypassesThrottle = throttle.bypass?.matches(reader) ?? false
        }
        if let quietHours { reading.bypassesQuiet = quietHours.except?.matches(reader) ?? false }
        if let digest {
            reading.digestKey = try Self.key(digest.key, reader)
            reading.bypassesDigest = digest.bypass?.matches(reader) ?? false
        }
        if let expect { reading.expectKey = try Self.key(expect.key, reader) }
        return reading
    }

    /// A key whose values are missing is empty: such events have one in common.
    private static func key(_ template: Template, _ reader: EventReader) throws -> String {
        ToolReading.bounded(try template.renderKey(reader) ?? "")
    }
}
