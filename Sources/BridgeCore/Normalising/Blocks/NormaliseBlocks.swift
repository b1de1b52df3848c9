/// `normalise:` of a source: one block for all messages, or a list of them.
///
/// The first block of a list that matches reads a message; one that none matches is read automatically.
package struct NormaliseBlocks: Sendable {
    /// The blocks; never empty.
    package var list: [NormaliseBlock]

    /// Makes one block for all messages; by default it reads them automatically.
    package init(_ settings: NormaliseSettings = NormaliseSettings()) {
        self.list = [NormaliseBlock(settings)]
    }

    /// - Parameter list: not empty.
    /// - Throws: ``SettingError`` for a block that no message can reach.
    fileprivate init(_ list: [NormaliseBlock]) throws {
        self.list = list
        guard let last = list.firstIndex(where: { $0.match == nil }), last + 1 < list.count else { return }
        throw SettingError(
            path: [SettingKey(last + 1)],
            "is never reached, because the block before it matches every message; add match: there, or move it to the end")
    }

    /// Whether one block reads every message.
    var isSingle: Bool { self.list.count == 1 && self.list[0].match == nil }

    /// The limits of the events.
    package var limits: EventLimits {
        get { self.list[0].reading.limits }
        set { for index in self.list.indices { self.list[index].reading.limits = newValue } }
    }

    /// Conditions that are valid but can never hold, with their paths from the source.
    package var warnings: [SettingError] { self.list.flatMap { ($0.match?.warnings ?? []) + $0.reading.warnings } }

    /// Whether a case changes the subject, which otherwise is the name under which a message arrived.
    package var setsSubject: Bool { self.list.contains { $0.reading.setsSubject } }

    /// What is done with bodies before they are read, as far as their source must know it.
    package var opening: NormaliseSettings.Opening {
        let openings = self.list.map(\.reading.opening)
        guard let first = openings.first, self.isSingle || openings.contains(where: { $0 != .nothing }) else { return .nothing }
        // Where only some blocks decode, the others need what the source makes of a body, and these the bytes as they are sent.
        return self.isSingle ? first : .divides
    }

    /// Whether expressions are evaluated for a block or for the choice of it.
    var evaluates: Bool { self.list.contains { $0.reading.evaluates } }

    /// What the file itself has, without the parts of presets: the blocks of a list, and the cases, as messages call them.
    package var ownParts: [String] {
        self.list.flatMap { block -> [String] in
            let cases = block.reading.ownCases.map { "\(block.reading.place)cases[\($0)]" }
            guard let name = block.name, !name.hasPrefix("preset ") else { return cases }
            return [name] + cases
        }
    }
}

extension SettingCodec where Value == NormaliseBlocks {
    /// A mapping for all messages, or a list of blocks.
    package static var normalise: Self {
        let blocks = SettingCodec<[NormaliseBlock]>.list(of: .group)
        return Self(.either([.group(NormaliseSettings.settings.declarations), blocks.type])) { decoder in
            guard (try? decoder.unkeyedContainer()) != nil else {
                return NormaliseBlocks(try NormaliseSettings(settings: decoder))
            }
            let list = try blocks.read(decoder)
            guard !list.isEmpty else { throw SettingError(path: decoder.codingPath, "is empty; write a block, or leave it out") }
            do {
                return try NormaliseBlocks(list)
            } catch let error as SettingError {
                throw SettingError(path: decoder.codingPath + error.path, error.message)
            }
        }
    }
}
