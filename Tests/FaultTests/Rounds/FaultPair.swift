import BridgeTesting

/// A source and a sink that a round tests.
enum FaultPair: String, CaseIterable, Sendable, CustomStringConvertible {
    case mqttToSSE
    case mqttToRedis
    case redisToMQTT
    case sseToRedis
    case webhookToMQTT

    /// Where the program keeps events.
    enum Log: String, Sendable {
        /// With `ack: delivered`: the source's peer keeps what is not delivered.
        case memory
        /// With the default `ack: logged`.
        case sqlite
        /// In memory and with `ack: received`, so that a kill does lose something: tries the reckoning.
        case forgetful
    }

    /// In a word, for names of files.
    var name: String { self.rawValue }

    var description: String {
        switch self {
        case .mqttToSSE: "MQTT QoS 1 → SSE"
        case .mqttToRedis: "MQTT QoS 1 → redis-stream"
        case .redisToMQTT: "redis-stream → MQTT QoS 1"
        case .sseToRedis: "SSE → redis-stream"
        case .webhookToMQTT: "webhook → MQTT QoS 1"
        }
    }

    /// The faults of a round of this pair; likely ones occur more than once.
    func faults(_ log: Log) -> [Fault] {
        var faults: [Fault] = [.freezeBridge, .cut(.source), .cut(.sink), .delay(.source), .delay(.sink)]
        // The history of an endpoint is in the log, and that of a log in memory ends with the program.
        if log == .sqlite || self != .mqttToSSE { faults += [.killBridge, .killBridge, .killBridge] }
        if log == .sqlite, SmallDisk.obstacle == nil { faults.append(.fillDisk) }
        if WallClock.obstacle == nil { faults.append(.jumpClock) }
        switch self {
        case .mqttToSSE: faults += [.killPeer(.source), .freezePeer(.source)]
        case .webhookToMQTT: faults += [.killPeer(.sink), .freezePeer(.sink)]
        case .mqttToRedis, .redisToMQTT, .sseToRedis:
            faults += [.killPeer(.source), .killPeer(.sink), .freezePeer(.source), .freezePeer(.sink)]
        }
        return faults
    }
}
