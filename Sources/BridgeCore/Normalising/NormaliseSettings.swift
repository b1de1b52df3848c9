/// How a source's messages become events: `normalise:` in the file.
package struct NormaliseSettings: Sendable, Decodable {
    package enum CodingKeys: String, CodingKey, CaseIterable { case title, message, priority, tags, id, timestamp }

    /// The source's own mapping, field by field; what it leaves out, what renders empty, or what fails, `auto` decides.
    ///
    /// A failure is counted and logged.
    package var title: Template?
    package var message: Template?
    /// Must render a number, which is rounded and clamped to 1…5, or a word for a priority.
    ///
    /// What renders empty leaves the priority absent.
    package var priority: Template?
    /// A comma list.
    package var tags: Template?
    /// Must render a legal id.
    package var id: Template?
    /// RFC 3339, or seconds or milliseconds since 1970 (told apart by size).
    package var timestamp: Template?
    package var limits: EventLimits

    /// The mapping of the file.
    ///
    /// - Throws: ``SettingError`` for what is the same for every event and means nothing, such as an empty title or one id for all.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func template(_ key: CodingKeys, _ check: (String) -> String?) throws -> Template? {
            guard let template: Template = try container.optional(key) else { return nil }
            guard let text = template.constant else { return template }
            let isEmpty = text.allSatisfy(\.isWhitespace)
            guard let mistake = isEmpty ? "is empty, which changes nothing; leave it out" : check(text) else { return template }
            throw SettingError(path: container.codingPath + [key], mistake)
        }
        if container.contains(.tags) { try container.refuseNumber(.tags, meaning: "a tag") }
        self.init(
            title: try template(.title) { _ in nil }, message: try template(.message) { _ in nil },
            priority: try template(.priority) { text in
                PriorityText.constant(text) == nil ? "'\(text)' is not a priority; write \(PriorityText.allowed)" : nil
            },
            tags: try template(.tags) { text in
                text.allSatisfy { $0.isWhitespace || $0 == "," } ? "is empty, which changes nothing; leave it out" : nil
            },
            id: try template(.id) { _ in
                "gives every event the same id, so that all but the first count as duplicates; write a template such as '{{ .payload.id }}'"
            },
            timestamp: try template(.timestamp) { text in
                Timestamp(rfc3339: text) ?? Double(text).flatMap { JSONFields.timestamp($0) } == nil
                    ? "'\(text)' is not a time; write a template such as '{{ .payload.time }}'" : nil
            }
        )
    }

    package init(
        title: Template? = nil, message: Template? = nil, priority: Template? = nil, tags: Template? = nil, id: Template? = nil,
        timestamp: Template? = nil, limits: EventLimits = EventLimits()
    ) {
        self.title = title
        self.message = message
        self.priority = priority
        self.tags = tags
        self.id = id
        self.timestamp = timestamp
        self.limits = limits
    }

    /// Whether expressions are evaluated for the mapping.
    var evaluates: Bool {
        [self.title, self.message, self.priority, self.tags, self.id, self.timestamp].contains { $0?.isEvaluated == true }
    }
}
