import Testing

@testable import MQTTAdapter

/// What `retained: first_time` has seen, in memory and as the text of cursors.
struct MQTTRetainedMemoryTests {
    private static func isNews(_ memory: MQTTRetainedMemory, _ topic: String, _ body: String) -> Bool {
        Array(body.utf8).withUnsafeBytes { memory.isNews(topic: topic, body: $0) }
    }

    /// The pages as another run reads them.
    private static func restored(_ memory: MQTTRetainedMemory, into pages: inout [Int: String]) throws -> MQTTRetainedMemory {
        for (index, page) in memory.takeChanged(atMost: .max) { pages[index] = page.text(broker: 7) }
        let again = MQTTRetainedMemory()
        again.restore(try pages.sorted { $0.key < $1.key }.map { try #require(MQTTRetainedPage($0.value, broker: 7)) })
        return again
    }

    @Test func `a retained message counts as new until it has arrived, retained or live`() {
        let memory = MQTTRetainedMemory()
        #expect(Self.isNews(memory, "a", "1"))
        #expect(!Self.isNews(memory, "a", "1"))
        #expect(Self.isNews(memory, "b", "1"))
        #expect(Self.isNews(memory, "a", "2"))
        Array("3".utf8).withUnsafeBytes { memory.note(topic: "a", body: $0) }
        #expect(!Self.isNews(memory, "a", "3"))
        #expect(!Self.isNews(memory, "a", "3"))
    }

    @Test func `topics and bodies survive a round trip`() throws {
        let memory = MQTTRetainedMemory()
        for number in 0..<1000 { #expect(Self.isNews(memory, "a/\(number)", "\(number)")) }
        Array("live".utf8).withUnsafeBytes { memory.note(topic: "a/5", body: $0) }
        var pages: [Int: String] = [:]
        let again = try Self.restored(memory, into: &pages)
        #expect(pages.count == 6)
        #expect(pages.values.allSatisfy { $0.utf8.count <= 4096 }, "the bound of a cursor")
        for number in 0..<1000 { #expect(!Self.isNews(again, "a/\(number)", "\(number)")) }
        #expect(!Self.isNews(again, "a/5", "live"))
        #expect(again.takeChanged(atMost: .max).map(\.index) == [0], "only what has changed is written")
        #expect(Self.isNews(again, "a/6", "changed"))
        #expect(Self.isNews(again, "b", "0"))
    }

    @Test func `when all pages are full the oldest topics are removed, in the cursors too`() throws {
        let memory = MQTTRetainedMemory()
        var pages: [Int: String] = [:]
        for number in 0..<MQTTRetainedMemory.capacity { _ = Self.isNews(memory, "\(number)", "x") }
        let full = try Self.restored(memory, into: &pages)
        #expect(!Self.isNews(full, "0", "x"))
        #expect(Self.isNews(full, "one more", "x"))
        let after = try Self.restored(full, into: &pages)
        #expect(pages.count == MQTTRetainedMemory.pages)
        #expect(!Self.isNews(after, "one more", "x"))
        #expect(!Self.isNews(after, "\(MQTTRetainedPage.capacity)", "x"))
        #expect(Self.isNews(after, "0", "x"), "the first page has made room")
    }

    @Test func `a page of another broker is not read`() {
        let text = MQTTRetainedPage(sequence: 3).text(broker: 7)
        #expect(MQTTRetainedPage(text + "AAAA", broker: 7) == nil, "half an entry")
        for other in ["", "session 1f", "retained 7 x AAAA", "retained 8 1 AAAA", "retained 7 1 ?"] {
            #expect(MQTTRetainedPage(other, broker: 7) == nil)
        }
    }
}
