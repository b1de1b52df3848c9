extension SettingCodec where Value == Template {
    /// A template by which events are compared: it contains a value of the event.
    package static var flowKey: Self {
        Self.template.checked { template in
            guard let text = template.constant else { return nil }
            return text.isEmpty
                ? "is empty; write a template such as '{{ .title }}', or leave it out"
                : "'\(text)' is the same for every event; write a template such as '{{ .title }}'"
        }
    }
}

extension SettingCodec where Value == Matcher {
    /// Conditions on an event, as `match:` has them.
    static var filter: Self { .value(.form(.filter)) }
}
