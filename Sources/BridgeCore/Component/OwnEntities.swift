import Glibc
package import NIOCore

/// Recognises messages about entities that this program itself has announced to a home automation system, when that
/// system publishes them again.
///
/// Otherwise the program would take its own state as a new event, which changes its state. A value; by the topic, or by
/// the entity that a changed state names.
package struct OwnEntities: Sendable {
    /// The topic below which the program publishes its states.
    package let base: String
    /// The topic below which the program announces its entities, and the name of its device there.
    package let discovery: (prefix: String, node: String)
    /// What the identifiers of its entities begin with, such as `streambridge_home_`.
    package let prefixes: [String]

    /// The kinds of entities that the program announces.
    private static let domains: Set<Substring> = ["sensor", "binary_sensor", "event", "button", "switch"]
    /// How far into a body the name of a changed entity may be.
    private static let head = 512

    /// Makes the description of the entities of one device.
    package init(base: String, discovery: (prefix: String, node: String), prefixes: [String]) {
        self.base = base
        self.discovery = discovery
        self.prefixes = prefixes
    }

    /// Whether a message is about one of the entities.
    package func recognise(subject: String, body: ByteBuffer) -> Bool {
        self.isOwnTopic(subject) || self.isOwnChange(body)
    }

    private func isOwnTopic(_ subject: String) -> Bool {
        if subject == self.base || subject.hasPrefix(self.base + "/") { return true }
        let levels = subject.split(separator: "/", omittingEmptySubsequences: false)
        if levels.last == "config", subject.hasPrefix(self.discovery.prefix + "/") {
            let rest = levels.dropFirst(self.discovery.prefix.split(separator: "/", omittingEmptySubsequences: false).count)
            return rest.dropFirst().first == self.discovery.node[...]
        }
        // One topic for each value of an entity: …/DOMAIN/ID/state.
        guard levels.count >= 3, Self.domains.contains(levels[levels.count - 3]) else { return false }
        return self.prefixes.contains { levels[levels.count - 2].hasPrefix($0) }
    }

    /// Whether a body reports a changed state of one of the entities.
    private func isOwnChange(_ body: ByteBuffer) -> Bool {
        body.withUnsafeReadableBytes { bytes in
            let head = UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.head))
            guard Self.contains("state_changed", in: head), let name = Self.value(of: "entity_id", in: head),
                let dot = name.firstIndex(of: ".")
            else { return false }
            return Self.domains.contains(name[..<dot])
                && self.prefixes.contains { name[name.index(after: dot)...].hasPrefix($0) }
        }
    }

    private static func contains(_ text: StaticString, in bytes: UnsafeRawBufferPointer) -> Bool {
        self.end(of: text, in: bytes) != nil
    }

    /// The index behind the first occurrence of a text.
    private static func end(of text: StaticString, in bytes: UnsafeRawBufferPointer) -> Int? {
        let count = text.utf8CodeUnitCount
        guard let base = bytes.baseAddress, bytes.count >= count else { return nil }
        let first = text.utf8Start[0]
        for start in 0...(bytes.count - count) where bytes[start] == first {
            if memcmp(base + start, text.utf8Start, count) == 0 { return start + count }
        }
        return nil
    }

    /// The text of the first member of that name.
    private static func value(of key: StaticString, in bytes: UnsafeRawBufferPointer) -> String? {
        guard let end = self.end(of: key, in: bytes) else { return nil }
        let value = bytes[end...].drop { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: " ") }
        return String(decoding: value.prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
    }
}

/// A sink that announces entities of its own, which sources must not take as events.
package protocol AnnouncingSink: Sink {
    /// Its entities.
    var ownEntities: OwnEntities { get }

    /// Restores what its users have switched off before; called once, before any source runs.
    func restoreSwitches()
}

/// The settings of an ``AnnouncingSink``.
package protocol AnnouncingConfiguration: SinkConfiguration {
    /// Why a source certainly receives what the sink announces, and what to do; `nil` when the file does not show it.
    ///
    /// - Parameters:
    ///   - bridge: the name of the bridge; `nil` when the file has none.
    ///   - sink: the name of the sink.
    func loopWarning(reading source: any ComponentConfiguration, bridge: String?, sink: String) -> SettingError?
}
