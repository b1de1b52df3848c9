extension SettingCodec where Value: SettingGroup {
    /// A mapping with declared keys.
    package static var group: Self { Self(.group(Value.settings.declarations)) { try Value(settings: $0) } }

    /// A mapping with declared keys and others, which the caller reads and refuses.
    package static var openGroup: Self {
        Self(.group(Value.settings.declarations)) { try Value(settings: $0, refusesOthers: false) }
    }
}

extension SettingCodec {
    /// A list of values.
    package static func list<Element>(of element: SettingCodec<Element>) -> Self where Value == [Element] {
        Self(.list(element.type), write: { Self.written($0, element) }) { try Self.elements(of: $0, element) }
    }

    /// A list of values, or one value without a list.
    package static func oneOrMore<Element>(of element: SettingCodec<Element>) -> Self where Value == [Element] {
        Self(.either([element.type, .list(element.type)]), write: { Self.written($0, element) }) { decoder in
            guard (try? decoder.unkeyedContainer()) != nil else { return [try element.read(decoder)] }
            return try Self.elements(of: decoder, element)
        }
    }

    /// A mapping whose keys the user chooses.
    package static func mapping<Element>(of element: SettingCodec<Element>) -> Self where Value == [String: Element] {
        Self(.mapping(element.type)) { decoder in
            let container = try decoder.container(keyedBy: SettingKey.self)
            var values: [String: Element] = [:]
            for key in container.allKeys { values[key.stringValue] = try element.read(container.superDecoder(forKey: key)) }
            return values
        }
    }

    /// The list as the file writes it; `nil` for one that is empty, which says nothing about its type.
    private static func written<Element>(_ values: [Element], _ element: SettingCodec<Element>) -> String? {
        let texts = values.compactMap { element.write($0) }.map { element.type.isText ? FlowText.scalar($0) : $0 }
        return texts.isEmpty ? nil : "[\(texts.joined(separator: ", "))]"
    }

    private static func elements<Element>(of decoder: any Decoder, _ element: SettingCodec<Element>) throws -> [Element] {
        var list = try decoder.unkeyedContainer()
        var values: [Element] = []
        while !list.isAtEnd { values.append(try element.read(list.superDecoder())) }
        return values
    }
}
