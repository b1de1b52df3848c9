import BridgeCore
import FoundationEssentials
import Testing

@testable import RedisAdapter

struct RedisSettingsTests {
    private static func complaint<Configuration: ComponentConfiguration>(_ type: Configuration.Type, _ settings: String)
        -> String?
    {
        do {
            let json = #"{"url": "redis://h", \#(settings)}"#
            try JSONDecoder().decode(type, from: Data(json.utf8)).validate()
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [
        (#""channels": ["a"]"#, nil),
        (#""channels": ["a"], "connect_timeout": "0s""#, "connect_timeout: must be longer than 0s"),
        (#""channels": ["a"], "password": """#, "password: the password is empty; leave it out for a server without one"),
        // A user of Redis may have no password.
        (#""channels": ["a"], "user": "u", "password": """#, nil),
    ])
    func `a channel source is checked`(settings: String, expected: String?) {
        #expect(Self.complaint(RedisSource.Configuration.self, settings) == expected)
    }

    @Test(arguments: [
        (#""stream": "s", "group": "g", "claim_after": "1s", "max_deliveries": 3"#, nil),
        (#""stream": "s", "claim_after": "1s""#, "claim_after: has no effect without a group; set group"),
        (#""stream": "s", "max_deliveries": 3"#, "max_deliveries: has no effect without a group; set group"),
    ])
    func `a stream source is checked`(settings: String, expected: String?) {
        #expect(Self.complaint(RedisStreamSource.Configuration.self, settings) == expected)
    }

    @Test func `a sink without a channel is refused`() {
        #expect(Self.complaint(RedisSink.Configuration.self, #""channel": """#) == "channel: is empty; name a channel")
        #expect(Self.complaint(RedisSink.Configuration.self, #""channel": "c""#) == nil)
    }

    @Test(arguments: [
        (#""stream": "s", "fields": {"a": "b"}"#, nil), (#""stream": """#, "stream: is empty; name a stream"),
        (
            #""stream": "s", "format": "raw", "fields": {"a": "b"}"#,
            "fields: format and fields exclude each other; leave one out"
        ),
    ])
    func `a stream sink is checked`(settings: String, expected: String?) {
        #expect(Self.complaint(RedisStreamSink.Configuration.self, settings) == expected)
    }
}
