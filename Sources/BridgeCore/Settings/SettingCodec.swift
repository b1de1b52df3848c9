/// How the file writes values of a type: what a reader may write, and how the value is read.
package struct SettingCodec<Value>: Sendable {
    /// The type and range, for readers of the declaration.
    package let type: SettingType
    /// Reads the value from a decoder at its location; never called for a key without a value, unless the key is
    /// required.
    package let read: @Sendable (any Decoder) throws -> Value
    /// Writes a default as the file would; `nil` for one that means nothing.
    let write: @Sendable (Value) -> String?

    /// Makes a codec from its parts.
    ///
    /// - Parameter read: throws ``SettingError`` or `DecodingError` with the coding path of the decoder.
    package init(
        _ type: SettingType, write: @escaping @Sendable (Value) -> String? = { _ in nil },
        read: @escaping @Sendable (any Decoder) throws -> Value
    ) {
        self.type = type
        self.read = read
        self.write = write
    }

    /// The same values without those that have a problem.
    ///
    /// - Parameter problem: the mistake and the remedy; `nil` for a value that is right.
    package func checked(_ problem: @escaping @Sendable (Value) -> String?) -> Self {
        Self(self.type, write: self.write) { decoder in
            let value = try self.read(decoder)
            if let problem = problem(value) { throw SettingError(path: decoder.codingPath, problem) }
            return value
        }
    }

    /// Values of another type that are written in the same way.
    ///
    /// - Parameter convert: throws ``SettingError`` without a path for a value that cannot be converted.
    package func map<Other>(
        write: @escaping @Sendable (Other) -> String? = { _ in nil }, _ convert: @escaping @Sendable (Value) throws -> Other
    ) -> SettingCodec<Other> {
        SettingCodec<Other>(self.type, write: write) { decoder in
            let value = try self.read(decoder)
            do {
                return try convert(value)
            } catch let error as SettingError where error.path.isEmpty {
                throw SettingError(path: decoder.codingPath, error.message)
            }
        }
    }
}

extension SettingCodec where Value: Decodable & SendableMetatype {
    /// A type that decodes itself.
    package static func value(_ type: SettingType, write: @escaping @Sendable (Value) -> String? = { _ in nil }) -> Self {
        Self(type, write: write) { try $0.singleValueContainer().decode(Value.self) }
    }
}

extension SettingCodec where Value == Bool {
    /// `true` or `false`.
    package static var flag: Self { .value(.flag) { "\($0)" } }
}

extension SettingCodec where Value == String {
    /// Any text.
    package static var text: Self { .text("") }

    /// Text of a form, named in words such as `URL`.
    package static func text(_ form: String) -> Self { .value(.text(form)) { $0.isEmpty ? nil : $0 } }

    /// The path of a file.
    package static var path: Self { .value(.path) }
}

extension SettingCodec where Value == Secret {
    /// Text that is never printed.
    package static var secret: Self { .value(.secret) }
}

extension SettingCodec where Value == Template {
    /// Text with `{{ … }}`.
    package static var template: Self { .value(.template) { $0.text.isEmpty ? nil : $0.text } }
}

extension SettingCodec where Value == JSONTemplate {
    /// Any structure whose texts may be templates.
    package static var json: Self { .value(.json) }
}

extension SettingCodec where Value == TextTemplate {
    /// A template, or a mapping such as `{ from: .title }`.
    package static var headerText: Self { .value(.form(.value)) }
}

extension SettingCodec where Value: RawRepresentable & CaseIterable & SendableMetatype, Value.RawValue == String {
    /// A case of an enumeration by its raw value.
    package static var choice: Self {
        let words = Value.allCases.map(\.rawValue)
        return Self(.choice(words), write: \.rawValue) { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            guard let value = Value(rawValue: text) else {
                throw SettingError(path: decoder.codingPath, "'\(text)' is not one of \(words.joined(separator: ", "))")
            }
            return value
        }
    }
}
