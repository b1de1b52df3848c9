package import BridgeCore

extension MQTTSink.Configuration {
    /// A constant topic that a filter of a source at the same broker matches.
    ///
    /// Where the event itself or its user properties say where it has been, the core recognises it when it comes back.
    package func circle(through source: any ComponentConfiguration) -> SettingError? {
        guard let source = source as? MQTTSource.Configuration, let topic = self.topic.template.constant else { return nil }
        let (mine, theirs) = (self.connection, source.connection)
        guard mine.address.host.lowercased() == theirs.address.host.lowercased(), mine.address.port == theirs.address.port else {
            return nil
        }
        guard self.format != .json, mine.version == .three || theirs.version == .three else { return nil }
        guard let filter = source.subscriptions.first(where: { $0.filter.matches(topic) }) else { return nil }
        return SettingError(
            path: [CodingKeys.topic],
            "events would circle for ever: \(topic) comes back through the filter \(filter.wireFilter), and with protocol: 3.1.1 and format:"
                + " \(self.format.rawValue) nothing says where an event has been; publish to a topic that no filter matches, or write"
                + " protocol: 5 at both"
        )
    }
}
