/// A name that templates, `when` and `set` can use: a field of the event such as `.title`, or a variable such as `$subject`.
package struct TemplateBinding: Sendable {
    /// The name with the sign in front of it.
    package let name: String
    /// The meaning, one sentence without a final stop.
    package let summary: String

    /// All names, fields first.
    package static let all =
        EventPath.Root.fields.map { TemplateBinding(name: ".\($0.name)", summary: $0.root.summary) }
        + EventPath.Root.variables.map { TemplateBinding(name: "$\($0.name)", summary: $0.root.summary) }
}

extension EventPath.Root {
    fileprivate var summary: String {
        switch self {
        case .event: "The whole event"
        case .id: "Identifier of the event, a text"
        case .title: "Title of the event, a text"
        case .message: "Message of the event, a text"
        case .priority: "Priority from 1 to 5, a number; 3 where the event has none, in templates"
        case .tags: "Tags, a list of texts"
        case .timestamp: "Time of the event, a text of RFC 3339"
        case .payload: "Payload of the event, any JSON, such as .payload.sensor.temp"
        case .source: "Name of the source, a text"
        case .subject: "Subject, such as the MQTT topic, the Redis channel or the webhook's id, a text"
        case .segments: "Subject, split at the slashes, a list of texts, such as $segments[1]"
        case .attributes: "Attributes that the source has added, an object of texts, such as $attributes.retained"
        case .raw: "Body of the message as it arrived, a text"
        case .now: "Current time in seconds since 1970, a number"
        }
    }
}
