package import BridgeCore

/// The settings of what subscribers get of an event.
extension SSESinkConfiguration {
    /// What a subscriber gets of each event.
    package enum Format: String, CaseIterable, Sendable {
        /// The event's JSON, the model of all sinks.
        case json
        /// The body as it came, as text.
        case raw
        /// The same in base64, for bodies that are not text.
        case base64
        /// A CloudEvent 1.0 in structured JSON.
        case cloudEvents = "cloudevents"
    }

    /// A member that the event's JSON can have beside those of the model.
    package enum Field: String, CaseIterable, Sendable {
        /// The name of the source.
        case source
        /// The topic, channel, key or path.
        case subject
        /// Headers and protocol facts, as an object.
        case attributes
    }

    /// How events become CloudEvents.
    package struct CloudEvents: SettingGroup, Equatable {
        /// The origin of `data`.
        package enum Data: String, CaseIterable, Sendable {
            /// The payload; a text where the body is not JSON.
            case payload
            /// The event's JSON with title, message and the other members of the model.
            case event
        }

        /// The beginning of `source`, an absolute or relative URI; the name of the source follows.
        package var source = "/"
        /// The origin of `data`.
        package var data = Data.payload

        /// The keys of `cloudevents`.
        package static let settings = Settings<Self> {
            Setting(
                "source", \.source, .text("URI").checked(Self.complaint),
                "Beginning of the attribute source; the name of the source follows"
            ).example("'/home'")
            Setting("data", \.data, .choice, "Whether data is the payload or the whole event")
        }

        /// Makes settings in which every key has its default.
        package init() {}

        /// RFC 3986 §2: a URI has no spaces, quotes or control characters.
        private static func complaint(_ text: String) -> String? {
            let isURI = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\"<>\\^`{|}".utf8.contains($0) }
            if isURI, !text.isEmpty, text.utf8.count <= 1024 { return nil }
            return "is not the beginning of a URI of at most 1024 characters; write one such as https://home.example/"
        }
    }

    /// The last event of each key, which new clients start with.
    package struct Snapshot: SettingGroup {
        /// What distinguishes the things whose last event is kept; an event without a value is not part of it.
        package var key: Template
        /// The largest number of keys.
        package var max = 1000
        /// The largest memory of their events, in bytes.
        package var bytes = 4 << 20
        /// An event for which it renders `true` clears its key.
        package var remove = Template()

        /// The keys of `snapshot`.
        package static let settings = Settings<Self> {
            Setting(
                "key", \.key,
                .template.checked {
                    $0.constant == nil ? nil : "'\($0.text)' is the same for all events; write one such as {{ $subject }}"
                },
                "Key of which the last event is kept"
            ).example("'{{ $subject }}'")
            Setting("max", \.max, .integer(in: 1...1_000_000), "Largest number of keys; the least recently updated leave")
            Setting("bytes", \.bytes, .bytes(in: 4096...16 << 30), "Largest memory of the kept events")
            Setting(
                "remove", \.remove,
                .template.checked {
                    guard let text = $0.constant, !text.isEmpty else { return nil }
                    return "'\(text)' is no condition; write one such as '{{ .payload.state == \"gone\" }}'"
                },
                "Condition that an event clears its key: a template that renders true"
            ).example("'{{ .payload.gone }}'")
        }

        /// Makes settings in which every key has its default.
        package init() {
            // A plain path needs no compiler and cannot fail.
            self.key = try! Template("{{ $subject }}", compiler: nil)
        }

        /// Whether both keep the same events.
        func isSame(as other: Snapshot?) -> Bool {
            guard let other else { return false }
            return self.key.text == other.key.text && self.max == other.max && self.bytes == other.bytes
                && self.remove.text == other.remove.text
        }
    }

    /// Checks what belongs to the content of events.
    ///
    /// - Throws: ``SettingError`` with the key and the remedy.
    func validateContent() throws {
        if let type = self.event.constant, let complaint = SSEEventType.complaint(type) {
            throw SettingError(at: "event", because: complaint)
        }
        if self.format != .json, !self.include.isEmpty {
            throw SettingError(
                at: "include",
                because:
                    "adds members to the event's JSON, which format: \(self.format.rawValue) does not send; remove one of them")
        }
        if self.format != .cloudEvents, self.cloudEvents != CloudEvents() {
            throw SettingError(at: "cloudevents", because: "needs format: cloudevents")
        }
    }
}

extension SettingCodec where Value == Template {
    /// A template of the type of events; a constant is not empty.
    static var eventType: Self {
        Self(.template, write: { $0.text.isEmpty ? nil : $0.text }) { decoder in
            try decoder.refuseNumber(meaning: "an event type")
            return try Self.template.read(decoder)
        }.checked { $0.constant?.isEmpty == true ? "is empty; write a type such as alarm, or leave the key out" : nil }
    }
}
