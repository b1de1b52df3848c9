/// Decodes a type from a node.
///
/// Only a plain scalar decodes to a number or a boolean; quoted text is text. A node of another kind throws
/// `DecodingError.typeMismatch` with the expected type: ``Node/Mapping``, ``Node/Sequence`` or ``Node/Scalar``.
package struct NodeDecoder: Decoder, SingleValueDecodingContainer {
    private let node: Node
    /// The keys and indices from the root to the node.
    package let codingPath: [any CodingKey]
    /// Values that decoded types can look up.
    package let userInfo: [CodingUserInfoKey: Any]

    /// Makes a decoder for a root node.
    ///
    /// - Parameter userInfo: values that decoded types can look up.
    package init(_ node: Node, userInfo: [CodingUserInfoKey: Any] = [:]) {
        self.init(node, path: [], userInfo: userInfo)
    }

    private init(_ node: Node, path: [any CodingKey], userInfo: [CodingUserInfoKey: Any]) {
        self.node = node
        self.codingPath = path
        self.userInfo = userInfo
    }

    fileprivate func child(_ node: Node, _ key: any CodingKey) -> NodeDecoder {
        NodeDecoder(node, path: self.codingPath + [key], userInfo: self.userInfo)
    }

    /// The node as a keyed container.
    ///
    /// - Throws: `DecodingError.typeMismatch` for a node that is no mapping.
    package func container<Key>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard let mapping = self.node.mapping else { throw self.mismatch(Node.Mapping.self) }
        return KeyedDecodingContainer(KeyedContainer(decoder: self, mapping: mapping))
    }

    /// The node as an unkeyed container.
    ///
    /// - Throws: `DecodingError.typeMismatch` for a node that is no sequence.
    package func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard let items = self.node.sequence else { throw self.mismatch(Node.Sequence.self) }
        return UnkeyedContainer(decoder: self, items: items)
    }

    /// The decoder itself.
    package func singleValueContainer() -> any SingleValueDecodingContainer { self }

    /// Whether the node is a null scalar.
    package func decodeNil() -> Bool {
        if case .scalar(let scalar) = self.node { scalar.isNull } else { false }
    }

    /// Decodes a value from the node; numbers, booleans and text come from scalars, other types decode themselves.
    ///
    /// - Throws: `DecodingError.typeMismatch` for a scalar of another type, and what the decoded type throws.
    package func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        guard let scalarType = type as? any ScalarReadable.Type else { return try Value(from: self) }
        guard case .scalar(let scalar) = self.node else { throw self.mismatch(Node.Scalar.self) }
        guard let value = scalarType.read(scalar) as? Value else { throw self.mismatch(type) }
        return value
    }

    private func mismatch(_ type: Any.Type) -> DecodingError {
        .typeMismatch(
            type, DecodingError.Context(codingPath: self.codingPath, debugDescription: "the value is not of type \(type)"))
    }
}

private struct KeyedContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: NodeDecoder
    let mapping: Node.Mapping

    var codingPath: [any CodingKey] { self.decoder.codingPath }
    var allKeys: [Key] { self.mapping.compactMap { $0.key.string.flatMap(Key.init(stringValue:)) } }

    func contains(_ key: Key) -> Bool { self.mapping[key.stringValue] != nil }
    func decodeNil(forKey key: Key) throws -> Bool { try self.child(key).decodeNil() }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try self.child(key).decode(type) }

    func nestedContainer<Nested>(keyedBy type: Nested.Type, forKey key: Key) throws -> KeyedDecodingContainer<Nested> {
        try self.child(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try self.child(key).unkeyedContainer() }
    func superDecoder() throws -> any Decoder { self.decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { try self.child(key) }

    private func child(_ key: Key) throws -> NodeDecoder {
        guard let node = self.mapping[key.stringValue] else {
            throw DecodingError.keyNotFound(
                key, DecodingError.Context(codingPath: self.codingPath, debugDescription: "'\(key.stringValue)' is missing"))
        }
        return self.decoder.child(node, key)
    }
}

private struct UnkeyedContainer: UnkeyedDecodingContainer {
    let decoder: NodeDecoder
    let items: [Node]
    var currentIndex = 0

    var codingPath: [any CodingKey] { self.decoder.codingPath }
    var count: Int? { self.items.count }
    var isAtEnd: Bool { self.currentIndex >= self.items.count }

    /// Advances past a null; stays at any other value.
    mutating func decodeNil() throws -> Bool {
        let isNil = try self.current().decodeNil()
        if isNil { self.currentIndex += 1 }
        return isNil
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let value = try self.current().decode(type)
        self.currentIndex += 1
        return value
    }

    mutating func nestedContainer<Nested>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
        let container = try self.current().container(keyedBy: type)
        self.currentIndex += 1
        return container
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let container = try self.current().unkeyedContainer()
        self.currentIndex += 1
        return container
    }

    mutating func superDecoder() throws -> any Decoder {
        let decoder = try self.current()
        self.currentIndex += 1
        return decoder
    }

    private func current() throws -> NodeDecoder {
        let key = IndexKey(index: self.currentIndex)
        guard !self.isAtEnd else {
            throw DecodingError.valueNotFound(
                Node.self,
                DecodingError.Context(codingPath: self.codingPath + [key], debugDescription: "the list has no more values"))
        }
        return self.decoder.child(self.items[self.currentIndex], key)
    }
}

/// The index of an item in a sequence, from 0.
private struct IndexKey: CodingKey {
    let index: Int

    init(index: Int) { self.index = index }
    init?(intValue: Int) { self.init(index: intValue) }
    init?(stringValue: String) { nil }

    var intValue: Int? { self.index }
    var stringValue: String { "Index \(self.index)" }
}
