import BridgeTesting
import Glibc
import Testing

/// The faults that could silently do nothing.
struct FaultMeansTests {
    @Test(.enabled(if: WallClock.obstacle == nil, "no library can be put in front of the C library here"))
    func `a program sees the clock jump`() async throws {
        let clock = try WallClock()
        func year() async throws -> String {
            let command = clock.wrapper + ["date", "+%Y"]
            let process = try ChildProcess(command[0], Array(command.dropFirst()))
            #expect(try await process.untilEnded() == .exited(0))
            return process.standardOutput
        }
        let now = try await year()
        try clock.jump(bySeconds: -20 * 366 * 86_400)
        #expect(try await year() < now)
    }

    @Test(.enabled(if: SmallDisk.obstacle == nil, "mounting needs root"))
    func `a small disk is full on request, and has room again`() throws {
        let disk = try SmallDisk.mounted()
        try disk.fill()
        #expect(!Self.canWrite(in: disk.path))
        disk.free()
        #expect(Self.canWrite(in: disk.path))
    }

    private static func canWrite(in directory: String) -> Bool {
        guard let file = fopen("\(directory)/file", "w") else { return false }
        defer { unlink("\(directory)/file") }
        let written = fputs("text", file) >= 0
        return fclose(file) == 0 && written
    }
}
