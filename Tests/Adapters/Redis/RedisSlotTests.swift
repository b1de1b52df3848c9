import Testing

@testable import RedisAdapter

struct RedisSlotTests {
    @Test func `the checksum is that of the specification`() {
        #expect(RedisSlot.checksum("123456789".utf8) == 0x31C3)
        #expect(RedisSlot.checksum("".utf8) == 0)
    }

    @Test(arguments: [
        ("{user1000}.following", "{user1000}.followers"), ("foo{bar}{zap}", "bar"), ("foo{{bar}}zap", "{bar"),
    ])
    func `only the hash tag decides`(one: String, other: String) {
        #expect(RedisSlot.of(one) == RedisSlot.of(other))
    }

    @Test(arguments: [("foo", 12182), ("somekey", 11058), ("foo{hash_tag}", 2515)])
    func `slots are those of a server`(key: String, slot: Int) {
        #expect(RedisSlot.of(key) == slot)
    }

    @Test func `empty braces are ignored`() {
        #expect(RedisSlot.of("foo{}{bar}") == Int(RedisSlot.checksum("foo{}{bar}".utf8)) % 16_384)
    }
}
