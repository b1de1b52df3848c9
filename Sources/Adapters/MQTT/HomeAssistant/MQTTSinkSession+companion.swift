import BridgeCore
import Mosquitto

extension MQTTSinkSession {
    /// Publishes the states that a delivery changes.
    ///
    /// - Returns: the packet identifier of the last one, whose acknowledgement follows those of the others; `nil` when the
    ///   delivery is refused or changes nothing.
    func publish(_ delivery: Delivery, _ companion: HomeAssistantCompanion, _ connection: MosquittoConnection) throws -> Int32? {
        do {
            var last: Int32?
            for message in try companion.messages(for: delivery, self.reader) {
                last = try connection.publish(
                    message.payload, topic: message.topic, qos: 1, retain: message.isRetained,
                    properties: self.properties(of: delivery))
            }
            if last == nil { self.inlet.confirm(delivery) }
            return last
        } catch let error as MosquittoError where [.tooLarge, .invalid, .retainUnsupported].contains(error.code) {
            self.inlet.refuse(delivery, error.message)
        } catch let error as ExpressionError {
            self.inlet.refuse(delivery, HomeAssistantSink.refusal(error))
        }
        return nil
    }

    /// Origin, hops and key of an event; none with MQTT 3.1.1.
    private func properties(of delivery: Delivery) -> MosquittoProperties {
        var properties = MosquittoProperties()
        guard self.settings.version == .five else { return properties }
        properties.append(.contentType, text: "application/json")
        properties.append(user: MQTTSink.idempotencyProperty, delivery.event.id)
        for (name, value) in delivery.event.provenance.attributes { properties.append(user: name, value) }
        return properties
    }
}
