import Synchronization
import Testing

@testable import BridgeCore

/// Cursors that are kept together with the log.
struct LogCursorsTests {
    @Test func `a cursor is known at once and kept with the next group`() throws {
        let cursors = LogCursors(["in": "1"])
        let kept = Atomic<Int>(0)
        cursors.whenKept { kept.add(1, ordering: .relaxed) }
        #expect(kept.load(ordering: .relaxed) == 1, "nothing has moved")
        try cursors.move("2", of: "in")
        #expect(cursors.cursor(of: "in") == "2")
        cursors.whenKept { kept.add(1, ordering: .relaxed) }
        #expect(kept.load(ordering: .relaxed) == 1)
        #expect(cursors.takeMoved() == ["in": "2"])
        cursors.whenKept { kept.add(1, ordering: .relaxed) }
        #expect(kept.load(ordering: .relaxed) == 1, "it is being written")
        cursors.kept()
        #expect(kept.load(ordering: .relaxed) == 3)
        #expect(cursors.takeMoved().isEmpty)
    }

    @Test func `what moves while a group is written belongs to the next`() throws {
        let cursors = LogCursors([:])
        try cursors.move("1", of: "in")
        _ = cursors.takeMoved()
        try cursors.move("2", of: "in")
        let kept = Atomic<Bool>(false)
        cursors.whenKept { kept.store(true, ordering: .relaxed) }
        cursors.kept()
        #expect(kept.load(ordering: .relaxed) == false)
        #expect(cursors.takeMoved() == ["in": "2"])
        cursors.kept()
        #expect(kept.load(ordering: .relaxed) == true)
    }

    @Test func `what could not be written is taken again, unless it has moved on`() throws {
        let cursors = LogCursors([:])
        try cursors.move("1", of: "a")
        try cursors.move("1", of: "b")
        let moved = cursors.takeMoved()
        try cursors.move("2", of: "b")
        let kept = Atomic<Bool>(false)
        cursors.whenKept { kept.store(true, ordering: .relaxed) }
        cursors.notKept(moved)
        #expect(kept.load(ordering: .relaxed) == false)
        #expect(cursors.takeMoved() == ["a": "1", "b": "2"])
        cursors.kept()
        #expect(kept.load(ordering: .relaxed) == true)
    }

    @Test func `a source without a cursor is looked up where cursors were before`() throws {
        let older = LogCursors(["old": "7", "in": "1"])
        let cursors = LogCursors(["in": "2"], older: older)
        #expect(cursors.cursor(of: "old") == "7")
        #expect(cursors.cursor(of: "in") == "2")
        #expect(cursors.cursor(of: "new") == nil)
    }
}
