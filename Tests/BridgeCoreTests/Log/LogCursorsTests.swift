import Synchronization
import Testing

@testable import BridgeCore

/// Cursors that are kept together with the log.
struct LogCursorsTests {
    @Test func `a cursor is known at once and kept with the next group`() throws {
        let cursors = LogCursors(["in": "1"])
        let kept = Atomic<Int>(0)
        cursors.onceKept { kept.add(1, ordering: .relaxed) }
        #expect(kept.load(ordering: .relaxed) == 1, "nothing has moved")
        try cursors.move("2", of: "in")
        #expect(cursors.cursor(of: "in") == "2")
        cursors.onceKept { kept.add(1, ordering: .relaxed) }
        #expect(kept.load(ordering: .relaxed) == 1)
        #expect(cursors.takeMoved() == ["in": "2"])
        cursors.onceKept { kept.add(1, ordering: .relaxed) }
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
        cursors.onceKept { kept.store(true, ordering: .relaxed) }
        cursors.kept()
        #expect(kept.load(ordering: .relaxed) == false)
        #expect(cursors.takeMoved() == ["in": "2"])
        cursors.kept()
        #expect(kept.load(ordering: .relaxed) == true)
    }

    @Test func `a cursor that has moved elsewhere since the log was left is the newer, and goes on with the log`() throws {
        let older = Dated(cursors: ["early": "1", "late": "9", "moved": "9"], times: ["early": 50, "late": 150, "moved": 150])
        let known = ["early": "2", "late": "3", "moved": "3", "only": "4"]
        let cursors = LogCursors(known, written: Timestamp(milliseconds: 100), older: older)
        try cursors.move("5", of: "moved")
        #expect(cursors.takeMoved() == ["moved": "5"])
        cursors.kept()
        #expect(cursors.cursor(of: "early") == "2")
        #expect(cursors.cursor(of: "only") == "4")
        #expect(cursors.cursor(of: "moved") == "5", "it has moved here since")
        #expect(cursors.cursor(of: "late") == "9")
        #expect(cursors.takeMoved() == ["late": "9"])
        cursors.kept()
        #expect(cursors.cursor(of: "late") == "9")
        #expect(cursors.takeMoved().isEmpty)
        let unknown = LogCursors(known, older: older)
        #expect(unknown.cursor(of: "late") == "3", "when those of the log were written is not known")
    }

    private struct Dated: DatedCursorStore {
        let cursors: [String: String]
        let times: [String: Int64]

        func cursor(of source: String) -> String? { self.cursors[source] }
        func time(of source: String) -> Timestamp? { self.times[source].map { Timestamp(milliseconds: $0) } }
        func move(_ cursor: String, of source: String) throws {}
    }

    @Test func `a source without a cursor is looked up where cursors were before`() throws {
        let older = LogCursors(["old": "7", "in": "1"])
        let cursors = LogCursors(["in": "2"], older: older)
        #expect(cursors.cursor(of: "old") == "7")
        #expect(cursors.cursor(of: "in") == "2")
        #expect(cursors.cursor(of: "new") == nil)
    }
}
