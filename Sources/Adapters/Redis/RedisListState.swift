import BridgeCore
import Synchronization

/// The settings of all lists of a source.
struct RedisListReading: Sendable {
    let end: RedisListEnd
    let consumer: String
    let block: Duration
    let claimAfter: Duration
    let limit: Int
    let oversized: Counter

    init(_ configuration: RedisSource.Configuration, _ context: ComponentContext) {
        self.end = configuration.takeFrom
        self.consumer = configuration.consumer ?? "\(context.bridge).\(context.name)"
        self.block = configuration.block
        self.claimAfter = configuration.claimAfter
        self.limit = configuration.inFlight
        self.oversized = context.metrics.counter(
            "redis_oversized", help: "Entries given up because they exceed the size limit.")
    }
}

/// What a source knows of one list, for as long as the process lives.
///
/// Thread-safe.
final class RedisListState: Sendable {
    let keys: RedisListKeys
    let reading: RedisListReading
    /// The messages that are taken and not removed.
    let processing: Mutex<RedisProcessingList>
    /// Notified after each change of ``processing``.
    let changed = Signal()

    init(list: String, reading: RedisListReading) {
        self.keys = RedisListKeys(list: list)
        self.reading = reading
        self.processing = Mutex(RedisProcessingList(limit: reading.limit))
    }
}
