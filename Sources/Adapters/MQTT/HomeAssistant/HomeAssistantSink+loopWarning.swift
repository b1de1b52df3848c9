package import BridgeCore

extension HomeAssistantSink.Configuration: AnnouncingConfiguration {
    /// A source of the same broker whose filter matches what the sink publishes about the bridge.
    package func loopWarning(reading source: any ComponentConfiguration, bridge: String?, sink: String) -> SettingError? {
        guard let source = source as? MQTTSource.Configuration,
            source.connection.address.identity == self.connection.address.identity
        else { return nil }
        // Without a name of its own, the bridge gets one that nobody writes into a filter.
        let names = HomeAssistantNames(self, bridge: bridge ?? "name")
        let published = [names.health, names.availability, names.deviceTopic]
        for (index, subscription) in source.subscriptions.enumerated() {
            guard let topic = published.first(where: subscription.filter.matches) else { continue }
            return SettingError(
                path: [SettingKey("subscribe"), SettingKey(index)],
                "\(subscription.wireFilter) also matches \(topic), which \(sink) publishes about this bridge itself; such messages are"
                    + " ignored here, so name the topics that you want")
        }
        return nil
    }
}
