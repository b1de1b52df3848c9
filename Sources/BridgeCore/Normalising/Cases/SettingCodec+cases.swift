extension SettingCodec where Value == FieldSource {
    /// The source of a field: `null`, a text with `{{ … }}`, a number, a list, or a mapping with the keys of ``FieldForm``.
    static func field(_ field: EventField) -> Self {
        Self(.form(.field)) { decoder in
            let source = try self.source(decoder, of: field)
            if let problem = field.problem(with: source) { throw SettingError(path: decoder.codingPath, problem) }
            return source
        }
    }

    /// - Parameter field: `nil` for the part of a list.
    fileprivate static func source(_ decoder: any Decoder, of field: EventField?) throws -> FieldSource {
        if (try? decoder.singleValueContainer().decodeNil()) == true {
            guard field == nil else { return .nothing }
            throw SettingError(path: decoder.codingPath, "has no value; write a text, or leave it out")
        }
        if (try? decoder.container(keyedBy: SettingKey.self)) != nil {
            let form = try FieldForm(settings: decoder)
            try form.check(for: field ?? .message, at: decoder.codingPath)
            return form.source
        }
        if (try? decoder.unkeyedContainer()) != nil {
            return .list(try SettingCodec<[FieldSource]>.list(of: .part).read(decoder))
        }
        if field == .tags { try decoder.refuseNumber(meaning: "a tag") }
        return .template(try SettingCodec<Template>.scalar.read(decoder))
    }

    /// What counts in place of a value: a text, or a mapping such as `{ from: .payload.name }`.
    static var standard: Self {
        Self(.form(.fieldPart)) { decoder in
            guard (try? decoder.container(keyedBy: SettingKey.self)) != nil else {
                return .template(try SettingCodec<Template>.scalar.read(decoder))
            }
            return try self.part.read(decoder)
        }
    }

    /// An item of a list.
    fileprivate static var part: Self {
        Self(.form(.fieldPart)) { decoder in
            let source = try self.source(decoder, of: nil)
            switch source {
            case .template(let template):
                guard let text = template.constant else { return source }
                if text.isEmpty { throw SettingError(path: decoder.codingPath, "is empty; leave it out") }
                guard let path = EventField.path(text) else { return source }
                throw SettingError(
                    path: decoder.codingPath,
                    "'\(text)' is a constant text; write '{{ \(path) }}' or { from: '\(path)' } for the value")
            case .list: throw SettingError(path: decoder.codingPath, "is a list in a list; write its items in the outer one")
            case .json: throw SettingError(path: decoder.codingPath, "json is for payload only; write a text, or { from: … }")
            case .lookup(let lookup) where lookup.zone != nil:
                throw SettingError(path: decoder.codingPath + [SettingKey("zone")], "is for timestamp only; leave it out")
            default: return source
            }
        }
    }
}

extension SettingCodec where Value == [FieldSource] {
    /// The parts of `join`.
    static var sources: Self {
        Self(.list(.form(.fieldPart))) { try SettingCodec<[FieldSource]>.list(of: .part).read($0) }
            .checked { $0.isEmpty ? "is empty; write the texts to put together" : nil }
    }
}

extension SettingCodec where Value == Template {
    /// A template that may also be written as a number or as `true` or `false`.
    static var scalar: Self {
        Self(.template) { decoder in
            let container = try decoder.singleValueContainer()
            guard !container.decodeNil() else {
                throw SettingError(path: decoder.codingPath, "has no value; write one, or '' for an empty text")
            }
            let text: String
            if let written = try? container.decode(String.self) {
                text = written
            } else if let value = try? container.decode(Bool.self) {
                text = "\(value)"
            } else if let value = try? container.decode(Double.self) {
                text = ExpressionValue.number(value).text
            } else {
                text = try container.decode(String.self)
            }
            do {
                return try Template(text, compiler: decoder.userInfo[.expressionCompiler] as? any ExpressionCompiler)
            } catch let error as ExpressionError {
                throw SettingError(path: decoder.codingPath, error.message)
            }
        }
    }
}

extension SettingCodec where Value == FieldTable {
    /// A table by values in any case.
    static var table: Self {
        SettingCodec<[String: Template]>.mapping(of: .scalar).map { entries in
            guard !entries.isEmpty else {
                throw SettingError("is empty; write what each value stands for, such as { offline: 4 }")
            }
            guard let table = FieldTable(entries) else {
                throw SettingError("has two keys that differ only by case, which does not matter; remove one")
            }
            return table
        }
    }
}

extension SettingCodec where Value == Template.Part {
    /// A path such as `.payload.state`, or other jq, without braces.
    static var expression: Self {
        Self(.text("path or jq expression")) { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            if let first = text.first(where: { !$0.isWhitespace }), text.contains("{{") {
                throw SettingError(
                    path: decoder.codingPath,
                    "'\(text)' is a template; write the path alone, such as \(first == "{" ? Self.inner(text) : ".payload.state")"
                )
            }
            do throws(ExpressionError) {
                let compiler = decoder.userInfo[.expressionCompiler] as? any ExpressionCompiler
                return try TemplateParser.part(text, line: 1, compiler: compiler, shownAs: text)
            } catch {
                throw SettingError(path: decoder.codingPath, error.message)
            }
        }
    }

    private static func inner(_ text: String) -> String {
        String(text.filter { $0 != "{" && $0 != "}" }).trimmingSpaces
    }
}

extension SettingCodec where Value == EventPath {
    /// A plain path within the payload, such as `.payload.body`.
    static var payloadPath: Self {
        Self(.text("path in the payload")) { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            guard let path = (try? EventPath(expression: text)).flatMap({ $0 }), path.root == .payload else {
                throw SettingError(
                    path: decoder.codingPath,
                    "'\(text)' is not a path in the payload; write .payload, or one such as .payload.body")
            }
            return path
        }
    }
}

extension SettingCodec where Value == EventPath {
    /// A path within an item, such as `labels.alertname`, with or without a dot in front.
    static var memberPath: Self {
        Self(.text("path in an item")) { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            guard let path = EventPath(payload: text.first == "." ? String(text.dropFirst()) : text) else {
                throw SettingError(
                    path: decoder.codingPath,
                    "'\(text)' is not a path; write names with dots between them, such as labels.alertname")
            }
            return path
        }
    }
}

extension SettingCodec where Value == [FieldSelection.Member] {
    /// Names of members, or paths with dots between the names.
    static var members: Self {
        let names = SettingCodec<[String]>.oneOrMore(of: .text("name of a member"))
        return Self(names.type) { decoder in
            let members = try names.read(decoder).map { name in
                guard let path = EventPath(payload: name.first == "." ? String(name.dropFirst()) : name) else {
                    throw SettingError(
                        path: decoder.codingPath,
                        "'\(name)' is not a path; write names with dots between them, such as ENERGY.Power")
                }
                return FieldSelection.Member(
                    path: path, label: path.words, name: name.first == "." ? String(name.dropFirst()) : name)
            }
            guard !members.isEmpty else { throw SettingError(path: decoder.codingPath, "is empty; leave it out for all members") }
            return members
        }
    }
}

extension SettingCodec where Value == LocalZone {
    /// The name of a time zone of the machine.
    static var zone: Self {
        SettingCodec<String>.text("time zone").map { name throws in
            do throws(LocalZone.Problem) {
                return try LocalZone(named: name)
            } catch {
                throw SettingError(error.message)
            }
        }
    }
}

extension EventPath {
    /// The names of the steps, with spaces between them.
    fileprivate var words: String {
        self.steps.map { step in
            switch step {
            case .key(let name): name
            case .index(let index): "\(index)"
            case .number(_, let text): text
            }
        }.joined(separator: " ")
    }
}
