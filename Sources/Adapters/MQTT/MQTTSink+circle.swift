package import BridgeCore
import Mosquitto

extension MQTTSink.Configuration {
    /// A constant topic; with MQTT 5, user properties carry the origin of an event.
    package var writtenPlace: WrittenPlace? {
        guard let topic = self.topic.template.constant else { return nil }
        let content = self.structure == nil ? "format: \(self.format.rawValue)" : "json of its own"
        let isEvent = self.format == .json || self.body?.isEvent == true
        return WrittenPlace(
            setting: SettingKey("topic"), kind: "topic", server: self.connection.address.identity, name: topic,
            marks: isEvent ? .inBody : self.connection.version == .five ? .nextToBody : .none,
            content: "protocol: 3.1.1 and \(content)",
            remedy: "publish to a topic that no filter matches, or write protocol: 5 at both"
        )
    }
}

extension MQTTSource.Configuration {
    /// The topic filters.
    package var readPlaces: [ReadPlace] {
        self.subscriptions.map { subscription in
            ReadPlace(
                kind: "topic", server: self.connection.address.identity, shown: "the filter \(subscription.wireFilter)",
                readsMarks: self.connection.version == .five,
                names: subscription.filter.text.utf8.contains { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") }
                    ? .init(subscription.filter.text, syntax: .mqtt) : .one(subscription.filter.text)
            )
        }
    }
}

extension MQTTAddress {
    /// Equal for two addresses of one broker, as far as their spelling shows.
    var identity: String { WrittenPlace.spelling(of: "\(self.host):\(self.port)") }
}
