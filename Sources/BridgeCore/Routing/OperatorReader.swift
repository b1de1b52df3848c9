/// Reads the value of one key of a filter: a plain value, a list, or a mapping of operators, all of which must match.
struct OperatorReader {
    private let decoder: any Decoder
    private let path: [any CodingKey]

    init(_ decoder: any Decoder, _ path: [any CodingKey]) {
        self.decoder = decoder
        self.path = path
    }

    /// `priority`: a number or a word for one, a list of them, or operators.
    func priority() throws -> [NumberTest] {
        if let list = self.list { return [.oneOf(try self.operands(list, self.path, self.priority))] }
        guard let operators = try self.operators(of: NumberTest.Operator.allCases.map(\.rawValue)) else {
            return [.equal(try self.priority(self.decoder, self.path))]
        }
        return try operators.map { key, decoder in
            let name = NumberTest.Operator(rawValue: key.stringValue)!
            return try self.numberTest(name, decoder, self.path + [key], self.priority)
        }
    }

    /// `tags`: one tag or a list, any of which must be present, or `any`, `all`, `none` with such lists.
    func tags() throws -> [Predicate] {
        guard let operators = try self.operators(of: ["any", "all", "none"]) else {
            return [.anyTag(try self.tagSet(self.decoder, self.path))]
        }
        return try operators.map { key, decoder in
            let tags = try self.tagSet(decoder, self.path + [key])
            switch key.stringValue {
            case "any": return .anyTag(tags)
            case "all": return .allTags(tags)
            default: return .noTag(tags)
            }
        }
    }

    /// `title` and `message`: a text, a list of them, or operators.
    func texts() throws -> [TextTest] {
        if let list = self.list { return [.oneOf(try self.items(list, "text") { FoldedText(try self.text($0, $1)) })] }
        guard let operators = try self.operators(of: TextTest.Operator.allCases.map(\.rawValue)) else {
            return [.equals(FoldedText(try self.text(self.decoder, self.path)))]
        }
        return try operators.map { key, decoder in
            try self.textTest(TextTest.Operator(rawValue: key.stringValue)!, decoder, self.path + [key])
        }
    }

    /// A value of the payload or an attribute: a plain value, a list of them, or operators for texts and numbers.
    func values() throws -> [Predicate.ValueTest] {
        if let list = self.list { return [.oneOf(try self.items(list, "value", self.scalar))] }
        let names = TextTest.Operator.allCases.map(\.rawValue) + NumberTest.Operator.allCases.map(\.rawValue) + ["exists"]
        guard let operators = try self.operators(of: names) else { return [try self.scalar(self.decoder, self.path)] }
        return try operators.map { key, decoder in
            let path = self.path + [key]
            if key.stringValue == "exists" {
                guard let isWanted = try? decoder.singleValueContainer().decode(Bool.self) else {
                    throw SettingError(path: path, "must be true or false")
                }
                return .exists(isWanted)
            }
            if let name = TextTest.Operator(rawValue: key.stringValue) { return .text(try self.textTest(name, decoder, path)) }
            switch NumberTest.Operator(rawValue: key.stringValue)! {
            case .eq:
                return try self.scalar(decoder, path)
            case .ne:
                // Negated only for existing values, like all negative operators.
                guard case .scalar(let text, let number) = try self.scalar(decoder, path) else {
                    preconditionFailure("no scalar")
                }
                return number.map { .number(.notEqual($0)) } ?? .text(.notEquals(text))
            case let name:
                return .number(try self.numberTest(name, decoder, path, self.number))
            }
        }
    }

    /// The operators of a mapping; `nil` for another value.
    private func operators(of names: [String]) throws -> [(key: SettingKey, decoder: any Decoder)]? {
        guard let container = try? self.decoder.container(keyedBy: SettingKey.self) else { return nil }
        let allowed = names.joined(separator: ", ")
        let keys = container.allKeys.sorted { $0.stringValue < $1.stringValue }
        guard !keys.isEmpty else { throw SettingError(path: self.path, "an operator is missing; use one of \(allowed)") }
        return try keys.map { key in
            guard names.contains(key.stringValue) else {
                let hint = NearestName.hint(for: key.stringValue, among: names, listed: allowed)
                throw SettingError(path: self.path + [key], "there is no operator '\(key.stringValue)' here\(hint)")
            }
            return (key, try container.superDecoder(forKey: key))
        }
    }

    /// Warns of a text such as `> 20`, which is compared as a text; `nil` for any other value.
    static func comparison(in decoder: any Decoder, _ path: [any CodingKey]) -> SettingError? {
        guard let text = try? decoder.singleValueContainer().decode(String.self), let operators = self.operators(in: text) else {
            return nil
        }
        return SettingError(path: path, "'\(text)' is compared as a text; write \(operators)")
    }

    /// Warns of a text such as `/^Door/` or `Door*`, which is compared as a whole; `nil` for any other value.
    static func pattern(in decoder: any Decoder, _ path: [any CodingKey]) -> SettingError? {
        guard let text = try? decoder.singleValueContainer().decode(String.self), text.count > 1 else { return nil }
        let remedy: String
        if text.count > 2, text.hasPrefix("/"), text.hasSuffix("/") {
            remedy = "{ regex: '\(text.dropFirst().dropLast())' }"
        } else if text.hasSuffix("*"), !text.dropLast().contains("*") {
            remedy = text.hasPrefix("*") ? "{ contains: … }" : "{ starts_with: '\(text.dropLast())' }"
        } else if text.hasPrefix("*"), text.hasSuffix("*") {
            remedy = "{ contains: '\(text.dropFirst().dropLast())' }"
        } else {
            return nil
        }
        return SettingError(path: path, "'\(text)' is compared as a whole; write \(remedy)")
    }

    /// The operators that a text such as `>= 20` means; `nil` for any other text.
    private static func operators(in text: String) -> String? {
        let sign = text.prefix { "<>=!".contains($0) }
        let operand = text.dropFirst(sign.count).drop { $0 == " " }
        guard Double(operand) != nil else { return nil }
        let names = [">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "==": "eq", "=": "eq", "!=": "ne"]
        return names[String(sign)].map { "{ \($0): \(operand) }" }
    }

    private var list: (any UnkeyedDecodingContainer)? { try? self.decoder.unkeyedContainer() }

    private func textTest(_ name: TextTest.Operator, _ decoder: any Decoder, _ path: [any CodingKey]) throws -> TextTest {
        do {
            return try TextTest(name, self.text(decoder, path))
        } catch let error as SettingError where error.path.isEmpty {
            throw SettingError(path: path, error.message)
        }
    }

    /// Reads one operand of a ``NumberTest``.
    private typealias Operand = (any Decoder, [any CodingKey]) throws -> Double

    private func numberTest(
        _ name: NumberTest.Operator, _ decoder: any Decoder, _ path: [any CodingKey], _ read: Operand
    ) throws -> NumberTest {
        guard name == .between else { return NumberTest(name, try read(decoder, path)) }
        guard let list = try? decoder.unkeyedContainer(), let bounds = try? self.operands(list, path, read), bounds.count == 2,
            bounds[0] <= bounds[1]
        else { throw SettingError(path: path, "between takes two numbers, the smaller first, such as [1, 3]") }
        return .between(bounds[0]...bounds[1])
    }

    private func operands(
        _ list: any UnkeyedDecodingContainer, _ path: [any CodingKey], _ read: Operand
    ) throws -> [Double] {
        var list = list
        var numbers: [Double] = []
        while !list.isAtEnd { numbers.append(try read(list.superDecoder(), path)) }
        guard !numbers.isEmpty else { throw SettingError(path: path, "the list is empty; write at least one number") }
        return numbers
    }

    /// The items of a list, of which one must match.
    private func items<Item>(
        _ list: any UnkeyedDecodingContainer, _ noun: String, _ read: (any Decoder, [any CodingKey]) throws -> Item
    ) throws -> [Item] {
        var list = list
        var items: [Item] = []
        while !list.isAtEnd { items.append(try read(list.superDecoder(), self.path + [SettingKey(items.count)])) }
        guard !items.isEmpty else { throw SettingError(path: self.path, "the list is empty; write at least one \(noun)") }
        return items
    }

    private func number(_ decoder: any Decoder, _ path: [any CodingKey]) throws -> Double {
        guard let number = try? decoder.singleValueContainer().decode(Double.self), number.isFinite else {
            throw SettingError(path: path, "must be a number")
        }
        return number
    }

    /// Reads a priority as `set` and `normalise` accept it; a number may exceed 1…5, as an operand of `gt`.
    private func priority(_ decoder: any Decoder, _ path: [any CodingKey]) throws -> Double {
        if let number = try? self.number(decoder, path) { return number }
        let text = try self.text(decoder, path)
        guard let priority = PriorityText.constant(text) else {
            if let operators = Self.operators(in: text) {
                throw SettingError(path: path, "'\(text)' is not a priority; write \(operators)")
            }
            throw SettingError(path: path, "'\(text)' is not a priority; write \(PriorityText.allowed)")
        }
        return Double(priority)
    }

    private func tagSet(_ decoder: any Decoder, _ path: [any CodingKey]) throws -> Set<FoldedText> {
        guard var list = try? decoder.unkeyedContainer() else { return [FoldedText(try self.text(decoder, path))] }
        var tags: Set<FoldedText> = []
        while !list.isAtEnd { tags.insert(FoldedText(try self.text(list.superDecoder(), path))) }
        guard !tags.isEmpty else { throw SettingError(path: path, "the list is empty; write at least one tag") }
        return tags
    }

    /// YAML distinguishes texts from numbers and words such as `on` only by their form; the written text counts.
    private func text(_ decoder: any Decoder, _ path: [any CodingKey]) throws -> String {
        guard let container = try? decoder.singleValueContainer(), !container.decodeNil() else {
            throw SettingError(path: path, "must be text")
        }
        if let text = try? container.decode(String.self) { return text }
        if let flag = try? container.decode(Bool.self) { return flag ? "true" : "false" }
        if let number = try? container.decode(Double.self) { return ExpressionValue.number(number).text }
        throw SettingError(path: path, "must be text")
    }

    private func scalar(_ decoder: any Decoder, _ path: [any CodingKey]) throws -> Predicate.ValueTest {
        let text: String
        do {
            text = try self.text(decoder, path)
        } catch is SettingError {
            throw SettingError(path: path, "must be text, a number, true or false, or a mapping of operators")
        }
        return .scalar(FoldedText(text), Double(decimal: text))
    }
}
