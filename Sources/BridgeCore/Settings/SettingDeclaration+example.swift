extension SettingDeclaration {
    /// A value of the key as the file writes it: one of its own, its default, or one that its type has.
    package var example: String {
        if let ownExample { return ownExample }
        if self.hasLiteralDefault, case .optional(let standard?) = self.presence {
            return self.type.isText ? FlowText.scalar(standard) : standard
        }
        if case .optional(let standard?) = self.presence, self.type.isNotation(of: standard) { return standard }
        return self.type.example
    }
}

extension SettingType {
    /// Whether the value is a text, so that what looks like a number or a boolean needs quotes.
    package var isText: Bool {
        switch self {
        case .text, .secret, .path, .template: true
        default: false
        }
    }

    /// A value of the type as the file writes it, within its range.
    var example: String {
        switch self {
        case .flag: "true"
        case .integer(let range): "\(range.upperBound < 10 ? range.upperBound : max(range.lowerBound, 10))"
        case .number(let range): max(range.lowerBound, min(range.upperBound, 1.5)).setting
        case .bytes(let range): max(range.lowerBound, min(range.upperBound, 64 << 10)).byteCountSetting
        case .duration(let range): max(range.lowerBound, min(range.upperBound, .seconds(30))).setting
        case .choice(let words): words.first ?? ""
        case .text(let form): Self.forms[form] ?? "text"
        case .secret: "'${env:SECRET}'"
        case .path: "/var/lib/streambridge/name"
        case .template: "'{{ .title }}'"
        case .json: "{ text: '{{ .message }}' }"
        case .list(let element): "[\(element.example)]"
        case .mapping(let element): "{ name: \(element.example) }"
        case .group(let members): Self.example(of: members)
        case .either(let types): types.first?.example ?? "text"
        case .form(.filter): "{ subject: 'home/#' }"
        case .form(.value): "'{{ .title }}'"
        case .form(.field), .form(.fieldPart): "{ from: .payload.name }"
        case .form(.source): "{ type: webhook, id: alerts }"
        case .form(.sink): "{ type: sse, stream: home }"
        case .form(.homeAssistant): "{ url: 'mqtt://127.0.0.1' }"
        case .form(.overrides): "{ topic: alarms }"
        }
    }

    /// Whether a text is a number, a size or a duration of the type, and not a description of one.
    fileprivate func isNotation(of text: String) -> Bool {
        switch self {
        case .integer: Int(text) != nil
        case .number: Double(text) != nil
        case .bytes: Int(byteCountSetting: text) != nil
        case .duration: Duration(setting: text) != nil
        default: false
        }
    }

    /// The required keys, or the first one.
    private static func example(of members: [SettingDeclaration]) -> String {
        let needed = members.filter { $0.presence == .required }
        let shown = needed.isEmpty ? Array(members.prefix(1)) : needed
        return shown.isEmpty ? "{}" : "{ \(shown.map { "\($0.name): \($0.example)" }.joined(separator: ", ")) }"
    }

    /// A text of each form that the declarations name.
    private static let forms: [String: String] = [
        "URL": "https://example.com", "host:port": "127.0.0.1:8080", "address or network": "10.0.0.0/8",
        "host, or *": "bridge.example.com",
        "origin, or *": "https://app.example.com", "time zone": "Europe/Berlin", "time of day": "'22:00'",
        "path or jq expression": ".payload.name",
        "path in the payload": ".payload.body", "path in an item": "labels.alertname", "name of a member": "battery",
        "pattern with {}": "'refs/*/{}'", "jq expression": "'.payload.temp > 20'", "kind": "mqtt", "name of a coding": "json",
        "name of a sink": "browser", "name of a source": "home", "name of a preset": "zigbee2mqtt", "status or range": "200",
        "status, range or class": "5xx", "path in the answer": ".ok", "topic filter": "'home/#'",
        "subject or pattern": "'home/#'",
    ]
}
