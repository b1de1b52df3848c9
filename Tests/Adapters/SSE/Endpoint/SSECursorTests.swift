import Testing

@testable import SSEAdapter

@Suite struct SSECursorTests {
    @Test(arguments: ["a-0", "lq3k-1", "0-18446744073709551615"]) func `a stream's output can be parsed again`(_ text: String) {
        #expect(SSECursor(text)?.description == text)
    }

    @Test(arguments: ["", "-", "a-", "-1", "a", "a-01", "a-x", "A-1", "a b-1", "a--1", "a-18446744073709551616", "a-１"])
    func `anything else is not an id`(_ text: String) {
        #expect(SSECursor(text) == nil)
    }

    @Test func `an epoch needs no escaping anywhere`() {
        let epoch = SSECursor.newEpoch(milliseconds: 1_800_000_000_000)
        #expect(SSECursor("\(epoch)-1") == SSECursor(epoch: epoch, sequence: 1))
    }
}
