import BridgeTesting
import Glibc

/// The wall clock as one program sees it, away from the true time by as much as is said while it runs.
///
/// A small library in front of the C library's calls, made once per test run. Its monotonic clocks and its timers stay true, as they
/// do when the time of a machine is set; libfaketime shifts the timers too, and a program that waits for 20 ms then waits for hours.
final class WallClock: Sendable {
    private let directory: TemporaryDirectory
    private let library: String

    /// Why the clock cannot jump here; `nil` where it can.
    static let obstacle: String? = {
        do {
            _ = try built.get()
            return nil
        } catch {
            return "the clock never jumps: \(error)"
        }
    }()

    private static let built = Result { try build() }

    init() throws {
        self.library = try Self.built.get().file("wallclock.so")
        self.directory = try TemporaryDirectory()
        try self.jump(bySeconds: 0)
    }

    /// What becomes a program with this clock.
    var wrapper: [String] {
        ["/usr/bin/env", "LD_PRELOAD=\(self.library)", "WALL_CLOCK=\(self.directory.file("clock"))"]
    }

    /// Sets the clock so far from the true time.
    func jump(bySeconds seconds: Int64) throws {
        let path = self.directory.file("clock")
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw PeerError.system("open \(path)") }
        defer { close(file) }
        // In place: the program has these eight bytes in its memory.
        let written = withUnsafeBytes(of: seconds) { pwrite(file, $0.baseAddress, $0.count, 0) }
        guard written == MemoryLayout<Int64>.size else { throw PeerError.system("write \(path)") }
    }

    private static func build() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        try directory.write(self.source, to: "wallclock.c")
        // Blocks for a moment, once: every Swift toolchain comes with a C compiler.
        let compiler = try ChildProcess(
            "clang", ["-shared", "-fPIC", "-O1", "-o", directory.file("wallclock.so"), directory.file("wallclock.c")])
        guard compiler.waitUntilEnded() == .exited(0) else { throw PeerError("clang: \(compiler.standardError)") }
        return directory
    }

    private static let source = """
        #define _GNU_SOURCE
        #include <fcntl.h>
        #include <stdint.h>
        #include <stdlib.h>
        #include <sys/mman.h>
        #include <sys/syscall.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>

        static volatile const int64_t *offset;

        __attribute__((constructor)) static void begin(void) {
            const char *path = getenv("WALL_CLOCK");
            int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
            if (file < 0) return;
            void *memory = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
            if (memory != MAP_FAILED) offset = memory;
            close(file);
        }

        int clock_gettime(clockid_t clock, struct timespec *now) {
            int result = (int)syscall(SYS_clock_gettime, clock, now);
            int is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
            if (result == 0 && is_wall && offset) now->tv_sec += *offset;
            return result;
        }

        int gettimeofday(struct timeval *restrict now, void *restrict zone) {
            struct timespec precise;
            (void)zone;
            clock_gettime(CLOCK_REALTIME, &precise);
            now->tv_sec = precise.tv_sec;
            now->tv_usec = precise.tv_nsec / 1000;
            return 0;
        }

        time_t time(time_t *result) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            if (result) *result = now.tv_sec;
            return now.tv_sec;
        }

        """
}
