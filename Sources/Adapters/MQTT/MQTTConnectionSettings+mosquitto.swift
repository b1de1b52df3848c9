import BridgeCore
import Logging
import Mosquitto

extension MQTTConnectionSettings {
    /// How the source or the sink connects with these settings.
    func options(clientID: String, sessionExpiry: Duration) -> MosquittoOptions {
        var options = MosquittoOptions(
            host: self.address.host, port: self.address.port, peer: self.address.description, clientID: clientID
        )
        options.version = self.version
        options.user = self.user
        options.password = self.password?.value
        if self.address.isSecure {
            options.tls = MosquittoOptions.TLS(
                authorities: self.tls?.authorities, certificate: self.tls?.certificate, key: self.tls?.key,
                isInsecure: self.tls?.isInsecure ?? false
            )
        }
        options.will = self.will.map {
            MosquittoOptions.Will(topic: $0.topic, payload: $0.buffer, qos: $0.qos, isRetained: $0.isRetained)
        }
        options.keepAlive = self.keepAlive
        options.sessionExpiry = sessionExpiry
        return options
    }
}

extension MosquittoConnection {
    /// Queues a message about ourselves, if there is one.
    func announce(_ announcement: MQTTAnnouncement?) throws {
        guard let announcement else { return }
        _ = try self.publish(
            announcement.buffer, topic: announcement.topic, qos: announcement.qos, retain: announcement.isRetained
        )
    }

    /// The log metadata of a new connection.
    var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = ["peer": "\(self.peer)", "client_id": "\(self.clientID)"]
        if let assigned = self.assignedClientID, !assigned.utf8.elementsEqual(self.clientID.utf8) {
            metadata["assigned_client_id"] = "\(assigned)"
        }
        return metadata
    }
}
