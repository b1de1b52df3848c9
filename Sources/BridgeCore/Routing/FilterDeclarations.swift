/// The keys and operators of `match:`, for lists of keys and for messages.
package enum FilterDeclarations {
    /// The keys of one mapping; `payload.<path>` and `attributes.<name>` stand for all keys of that form.
    package static let keys: [SettingDeclaration] = {
        let source = SettingType.text("name of a source"),
            subject = SettingType.either([.text("subject or pattern"), .group(Self.syntaxes)])
        let text = SettingType.text("text"), value = SettingType.text("text, number, true or false")
        let priority = SettingType.text("number or word")
        return [
            Self.key("source", .either([source, .list(source)]), "Source of the event, or one of several", example: "home"),
            Self.key(
                "subject", .either([subject, .list(subject)]),
                "Subject: exact, an MQTT filter with + or #, or a glob with *, ? or []", example: "home/+/alarm"),
            Self.key(
                "priority",
                .either([priority, .list(priority), .group(Self.declarations(of: NumberTest.Operator.allCases, priority))]),
                "Priority, a list of them, or operators", example: "{ gte: high }"),
            Self.key(
                "tags", .either([text, .list(text), .group(Self.tagOperators)]),
                "Tags, one of which must be present, or operators",
                example: "[alarm, urgent]"),
            Self.key(
                "title", .either([text, .list(text), .group(Self.textOperators)]), "Title, a list of them, or operators",
                example: "Door"),
            Self.key(
                "message", .either([text, .list(text), .group(Self.textOperators)]), "Message, a list of them, or operators",
                example: "{ contains: error }"),
            Self.key(
                "payload.<path>", .either([value, .list(value), .group(Self.valueOperators)]),
                "Value in the payload, with dots between the names, a list of them, or operators", example: "{ gt: 20 }"),
            Self.key(
                "attributes.<name>", .either([value, .list(value), .group(Self.valueOperators)]),
                "Attribute that the source has added, a list of them, or operators", example: "\"true\""),
            Self.key(
                "any", .list(.form(.filter)), "Filters of which one must match", example: "[{ tags: alarm }, { priority: 5 }]"),
            Self.key("all", .list(.form(.filter)), "Filters that must all match", example: "[{ tags: alarm }, { priority: 5 }]"),
            Self.key("not", .form(.filter), "Filter that must not match", example: "{ tags: test }"),
        ]
    }()

    /// The operators of values in the payload and of attributes, which include all others but those of tags.
    package static let valueOperators =
        Self.textOperators + Self.declarations(of: NumberTest.Operator.allCases, .number(.finite))
        + [Self.key("exists", .flag, "Whether there is a value", example: "true")]

    /// The operators of texts.
    package static let textOperators = TextTest.Operator.allCases.map {
        Self.key($0.rawValue, .text("text"), $0.summary, example: $0 == .regex ? "'^door [0-9]+$'" : "door")
    }

    /// The operators of tags.
    package static let tagOperators = [
        ("any", "One of these tags is present"), ("all", "All of these tags are present"),
        ("none", "None of these tags is present"),
    ]
    .map { Self.key($0, .either([.text("tag"), .list(.text("tag"))]), $1, example: "[alarm, urgent]") }

    /// The ways to name subjects when the text alone would be read differently.
    private static let syntaxes = [
        Self.key("mqtt", .text("MQTT topic filter"), "Subjects that match an MQTT filter", example: "\"home/#\""),
        Self.key("glob", .text("glob"), "Subjects that match a glob", example: "\"home:*\""),
        Self.key("exact", .text("subject"), "Exactly this subject, whatever characters it has", example: "\"a*b\""),
    ]

    private static func declarations(of operators: [NumberTest.Operator], _ operand: SettingType) -> [SettingDeclaration] {
        operators.map { name in
            let isScalar = operand == .number(.finite) && (name == .eq || name == .ne)
            let type: SettingType = name == .between ? .list(operand) : isScalar ? .text("text, number, true or false") : operand
            return Self.key(name.rawValue, type, name.summary, example: name == .between ? "[1, 3]" : "4")
        }
    }

    private static func key(_ name: String, _ type: SettingType, _ summary: String, example: String) -> SettingDeclaration {
        var declaration = SettingDeclaration(name: name, type: type, presence: .optional(default: nil), summary: summary)
        declaration.ownExample = example
        return declaration
    }
}

extension ClosedRange<Double> {
    /// Every finite number.
    package static let finite = -Double.greatestFiniteMagnitude ... .greatestFiniteMagnitude
}

extension NumberTest.Operator {
    fileprivate var summary: String {
        switch self {
        case .eq: "Equal"
        case .ne: "Present and not equal"
        case .gt: "Greater"
        case .gte: "Greater or equal"
        case .lt: "Less"
        case .lte: "Less or equal"
        case .between: "Between two numbers, both included"
        }
    }
}

extension TextTest.Operator {
    fileprivate var summary: String {
        switch self {
        case .equals: "Equal, in any case"
        case .notEquals: "Present and not equal, in any case"
        case .contains: "Contains the text, in any case"
        case .notContains: "Present and without the text, in any case"
        case .startsWith: "Begins with the text, in any case"
        case .regex: "Contains a match of the regular expression"
        }
    }
}
