import BridgeCore
import Synchronization

/// The messages that `retained: first_time` has seen: for each topic the last retained body and the last live one.
///
/// A broker sends its retained messages at each new subscription; stored ones are not new. The memory has pages, each
/// of which is stored as one cursor. Topics are in the order of their first arrival. When all pages are full, the
/// oldest page is removed and its topics are delivered again. Thread-safe.
final class MQTTRetainedMemory: Sendable {
    /// How many topics are remembered.
    static let capacity = MQTTRetainedMemory.pages * MQTTRetainedPage.capacity
    /// How many pages there are.
    static let pages = 391

    /// Hashes of 48 bits; 0 for none.
    struct Seen: Equatable {
        var retained: UInt64 = 0
        var live: UInt64 = 0
    }

    private struct Entry {
        var seen: Seen
        let page: Int
    }

    private struct State {
        var entries: [UInt64: Entry] = [:]
        var pages: [MQTTRetainedPage] = []
        var changed: Set<Int> = []
    }

    private let state = Mutex(State())

    /// Restores the pages of an earlier run, by index.
    func restore(_ pages: [MQTTRetainedPage]) {
        self.state.withLock { state in
            state = State()
            for (index, page) in pages.prefix(Self.pages).enumerated() {
                state.pages.append(page)
                for (topic, seen) in page.topics { state.entries[topic] = Entry(seen: seen, page: index) }
            }
        }
    }

    /// Records a retained message.
    ///
    /// - Returns: false when it is known.
    func isNews(topic: String, body: UnsafeRawBufferPointer) -> Bool {
        let hash = Self.hash { $0.add(body) }
        return self.change(topic) { seen in
            // A live message may also be retained: MQTT 3.1.1 does not report it.
            defer { seen.retained = hash }
            return seen.retained != hash && seen.live != hash
        }
    }

    /// Records a live message.
    func note(topic: String, body: UnsafeRawBufferPointer) {
        let hash = Self.hash { $0.add(body) }
        self.change(topic) { $0.live = hash }
    }

    /// Returns the current content of changed pages, and marks them as unchanged.
    func takeChanged(atMost limit: Int) -> [(index: Int, page: MQTTRetainedPage)] {
        self.state.withLock { state in
            let taken = Array(state.changed.prefix(limit))
            state.changed.subtract(taken)
            return taken.map { index in
                var page = state.pages[index]
                // Only the entries are updated with each message.
                for topic in page.topics.keys { page.topics[topic] = state.entries[topic]?.seen }
                return (index, page)
            }
        }
    }

    private func change<Value>(_ topic: String, _ body: (inout Seen) -> Value) -> Value {
        let key = Self.hash { $0.add(topic) }
        return self.state.withLock { state in
            let page = state.entries[key]?.page ?? Self.place(key, &state)
            var seen = state.entries[key]?.seen ?? Seen()
            let before = seen
            defer {
                state.entries[key] = Entry(seen: seen, page: page)
                if seen != before { state.changed.insert(page) }
            }
            return body(&seen)
        }
    }

    /// Finds a page for a new topic.
    private static func place(_ topic: UInt64, _ state: inout State) -> Int {
        let newest = state.pages.indices.max { state.pages[$0].sequence < state.pages[$1].sequence }
        var page = newest ?? 0
        if newest.map({ state.pages[$0].topics.count < MQTTRetainedPage.capacity }) != true {
            let next = MQTTRetainedPage(sequence: newest.map { state.pages[$0].sequence + 1 } ?? 1)
            if state.pages.count < Self.pages {
                page = state.pages.count
                state.pages.append(next)
            } else {
                page = state.pages.indices.min { state.pages[$0].sequence < state.pages[$1].sequence } ?? 0
                for topic in state.pages[page].topics.keys { state.entries[topic] = nil }
                state.pages[page] = next
            }
        }
        state.pages[page].topics[topic] = Seen()
        return page
    }

    private static func hash(_ add: (inout Fingerprint) -> Void) -> UInt64 {
        var hash = Fingerprint()
        add(&hash)
        return max(1, hash.value & 0xffff_ffff_ffff)
    }
}
