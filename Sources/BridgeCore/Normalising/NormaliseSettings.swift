/// How messages become events: `normalise:` of a source, or one block of it.
package struct NormaliseSettings: SettingGroup {
    /// The source's own mapping, field by field; what it leaves out, what renders empty, or what fails, `auto` decides.
    ///
    /// A failure is counted and logged.
    package var title: Template?
    /// The message of the events; the others likewise.
    package var message: Template?
    /// Must render a number, which is rounded and clamped to 1…5, or a word for a priority.
    ///
    /// An empty result leaves the priority absent.
    package var priority: Template?
    /// A comma list.
    package var tags: Template?
    /// Must render a legal id.
    package var id: Template?
    /// RFC 3339, or seconds or milliseconds since 1970 (distinguished by size).
    package var timestamp: Template?
    /// How bodies are packed, from the outside in.
    var decode: [BodyDecoding] = []
    /// Which part of a body is the payload.
    var root: MessageRoot?
    /// A list of which each item becomes an event.
    var split: EventPath?
    /// What messages become by their kind; the first case that matches counts.
    var cases: [NormaliseCase] = []
    /// The limits of the events.
    package var limits: EventLimits
    /// What messages call the parts that a preset has, by their place such as `cases[2]`: the preset, and the place in it.
    package var names: [String: String] = [:]
    /// What messages write in front of the file's own parts, such as `normalise[1].`; empty where `normalise` is one mapping.
    package var place = ""

    /// The keys of `normalise`; what is the same for every event and means nothing, such as an empty title, is refused.
    package static let settings = Settings<Self> {
        Setting("title", \.title, .mapped { _ in nil }, "Title of the events").example("'{{ .payload.name }}'").protecting()
        Setting("message", \.message, .mapped { _ in nil }, "Message of the events").example("'{{ .payload.text }}'").protecting()
        Setting(
            "priority", \.priority,
            .mapped { text in
                PriorityText.constant(text) == nil ? "'\(text)' is not a priority; write \(PriorityText.allowed)" : nil
            },
            "Priority of the events, a number or a word"
        ).example("'{{ .payload.level }}'").protecting()
        Setting("tags", \.tags, .mappedTags, "Tags of the events, with commas between them").example("'door, home'").protecting()
        Setting(
            "id", \.id,
            .mapped { _ in
                "gives every event the same id, so that all but the first count as duplicates; write a template such as '{{ .payload.id }}'"
            },
            "Identifier of the events"
        ).example("'{{ .payload.id }}'").protecting()
        Setting(
            "timestamp", \.timestamp,
            .mapped { text in
                Timestamp(rfc3339: text) ?? Double(text).flatMap { JSONFields.timestamp($0) } == nil
                    ? "'\(text)' is not a time; write a template such as '{{ .payload.time }}'" : nil
            },
            "Time of the events, RFC 3339 or a number since 1970"
        ).example("'{{ .payload.time }}'").protecting()
        Setting(
            "decode", \.decode, .decodings,
            "How bodies are packed, from the outside in: json, form, msgpack, base64, gzip, deflate, zstd, text/CHARSET"
        ).example("[base64, json]")
        Setting(
            "root", \.root, .root, default: "all of it", "Which part of a body is the payload, and how that is packed"
        ).example(".payload.body")
        Setting("split", \.split, .payloadPath, "List in the payload of which each item becomes an event").example(
            ".payload.alerts")
        Setting(
            "cases", \.cases, .list(of: .group).checked { $0.isEmpty ? "is empty; write a case, or leave it out" : nil },
            "What messages become by their kind; the first case that matches counts"
        ).example("[{ match: { subject: 'home/+/state' }, set: { title: '{{ $segments[1] }}' } }]")
    }

    /// Makes a mapping that leaves everything to `auto`.
    package init() {
        self.init(title: nil)
    }

    /// Makes a mapping from its templates; `auto` decides the fields that have none.
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

    /// Validates the cases together.
    ///
    /// - Throws: ``SettingError`` for cases that no message can reach, or that leave no message.
    package func validate() throws {
        guard let last = self.cases.firstIndex(where: { $0.match == nil }) else { return }
        if last + 1 < self.cases.count {
            throw SettingError(
                path: [SettingKey("cases"), SettingKey(last + 1)],
                "is never reached, because the case before it matches every message; add match: there, or move it to the end")
        }
        if last == 0, self.cases[0].isDropped {
            throw SettingError(
                path: [SettingKey("cases"), SettingKey(0)], "drops every message of the source; add match: with those to drop")
        }
    }

    /// Conditions that are valid but can never hold, with their paths from the source.
    package var warnings: [SettingError] { self.cases.flatMap { $0.match?.warnings ?? [] } }

    /// Whether a case changes the subject, which otherwise is the name under which a message arrived.
    package var setsSubject: Bool { self.cases.contains { $0.fields?.setsSubject == true } }

    /// What `normalise` does with a body before it is read.
    package enum Opening: Sendable {
        /// Nothing: it is read as the sender declares it.
        case nothing
        /// Takes a part of it, or its items.
        case divides
        /// Decodes it, and may divide it then.
        case decodes
    }

    /// What is done with bodies before they are read.
    package var opening: Opening {
        if !self.decode.isEmpty { return .decodes }
        return self.root == nil && self.split == nil ? .nothing : .divides
    }

    /// Whether expressions are evaluated for the mapping.
    var evaluates: Bool {
        [self.title, self.message, self.priority, self.tags, self.id, self.timestamp].contains { $0?.isEvaluated == true }
            || self.cases.contains { $0.parts.contains(where: \.isEvaluated) }
    }
}

extension SettingCodec where Value == Template {
    /// A template whose constant text must mean something.
    ///
    /// - Parameter check: what is wrong with a constant that is not empty.
    fileprivate static func mapped(_ check: @escaping @Sendable (String) -> String?) -> Self {
        Self.template.checked { template in
            guard let text = template.constant else { return nil }
            if text.allSatisfy(\.isWhitespace) { return "is empty, which changes nothing; leave it out" }
            if let path = EventField.path(text) { return "'\(text)' is a constant text; write '{{ \(path) }}' for the value" }
            return check(text)
        }
    }

    /// Tags with commas between them; what is probably meant otherwise is refused.
    fileprivate static var mappedTags: Self {
        let tags = Self.mapped { text in
            text.allSatisfy { $0.isWhitespace || $0 == "," } ? "is empty, which changes nothing; leave it out" : nil
        }
        return Self(tags.type, write: tags.write) { decoder in
            guard (try? decoder.unkeyedContainer()) == nil else {
                throw SettingError(
                    path: decoder.codingPath, "is a list; write one text with commas, such as tags: \"door, home\"")
            }
            try decoder.refuseNumber(meaning: "a tag")
            return try tags.read(decoder)
        }
    }
}

extension NormaliseSettings {
    /// The indices of the cases that the file itself has, without those of a preset.
    package var ownCases: [Int] { self.cases.indices.filter { self.names["cases[\($0)]"] == nil } }

    /// What messages call a part such as `title` or `cases[1]`.
    func name(of part: String) -> String { self.names[part] ?? self.place + part }
}
