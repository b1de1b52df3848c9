package import BridgeCore
import FileAdapter
import MQTTAdapter
import RedisAdapter
import SMTPAdapter
import SSEAdapter
import WebhookAdapter

extension AdapterCatalog {
    /// The adapters that ship with the program.
    ///
    /// A new one is added here and in `Package.swift`, nowhere else.
    package static var shipped: AdapterCatalog {
        var catalog = AdapterCatalog()
        catalog.add(FileSource.self)
        catalog.add(FileSink.self)
        catalog.add(MQTTSource.self)
        catalog.add(MQTTSink.self)
        catalog.add(HomeAssistantSink.self)
        catalog.add(RedisSource.self)
        catalog.add(RedisSink.self)
        catalog.add(RedisStreamSource.self)
        catalog.add(RedisStreamSink.self)
        catalog.add(SMTPSink.self)
        catalog.add(SSESource.self)
        catalog.add(SSESink.self)
        catalog.add(WebhookSource.self)
        catalog.add(WebhookSink.self)
        return catalog
    }
}
