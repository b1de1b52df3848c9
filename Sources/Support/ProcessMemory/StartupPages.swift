#if canImport(Glibc)
import Glibc
#endif

/// The pages of the program file and its libraries that startup has mapped.
///
/// Startup reads most of the program file, because the Swift runtime searches all of it for conformances. The pages count as the program's
/// resident memory while they stay mapped, although few are used again.
package enum StartupPages {
    /// Unmaps every page of code and constants; a page that is used again returns from the page cache.
    ///
    /// Touches only read-only mappings without anonymous pages, resident or swapped out: these hold relocated addresses. Does nothing if `/proc` is not mounted.
    package static func unmap() {
        guard let maps = fopen("/proc/self/smaps", "re") else { return }
        defer { fclose(maps) }
        var line: UnsafeMutablePointer<CChar>?
        var size = 0
        defer { free(line) }
        var reader = MappingReader()
        while getline(&line, &size, maps) > 0 {
            guard let line, let range = reader.unchangedFile(after: line) else { continue }
            madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
        }
    }

    /// Finds the read-only mappings of files among the lines of `/proc/PID/smaps` (proc_pid_smaps(5)).
    ///
    /// Reads bytes in place: there are thousands of lines, and the sources start at the same time.
    struct MappingReader {
        private var candidate: Range<UInt>?

        /// Reads the next line, which ends with NUL.
        ///
        /// - Returns: the addresses of a mapping that this line shows to have no anonymous pages; `nil` for every other line.
        mutating func unchangedFile(after line: UnsafePointer<CChar>) -> Range<UInt>? {
            if strncmp(line, "Anonymous:", 10) == 0 {
                if strtoul(line + 10, nil, 10) != 0 { self.candidate = nil }
            } else if strncmp(line, "Swap:", 5) == 0 {
                defer { self.candidate = nil }
                return strtoul(line + 5, nil, 10) == 0 ? self.candidate : nil
            } else if islower(CInt(line[0])) != 0 || isdigit(CInt(line[0])) != 0 {
                // Names of fields begin with a capital letter, mappings with a hexadecimal address.
                self.candidate = Self.readOnlyFile(line)
            }
            return nil
        }

        /// The addresses of a line such as `7f00-7f80 r--p 00000000 fd:00 1234 /usr/lib/x.so`.
        private static func readOnlyFile(_ line: UnsafePointer<CChar>) -> Range<UInt>? {
            var rest: UnsafeMutablePointer<CChar>?
            let start = strtoul(line, &rest, 16)
            guard let dash = rest, dash.pointee == CChar(UInt8(ascii: "-")) else { return nil }
            let end = strtoul(dash + 1, &rest, 16)
            guard start < end, let mode = rest else { return nil }
            let isReadOnly = strncmp(mode, " r-xp ", 6) == 0 || strncmp(mode, " r--p ", 6) == 0
            return isReadOnly && strchr(mode, CInt(UInt8(ascii: "/"))) != nil ? start..<end : nil
        }
    }
}
