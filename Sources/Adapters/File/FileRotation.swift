import Glibc

/// Determines which file was written after a rotated one, from the names that rotation assigns.
///
/// `app.log.2` is followed by `app.log.1` and that by `app.log`; `app.log-20260101` by `app.log-20260102`, the last of
/// them by `app.log`.
enum FileRotation {
    /// A file that was written after another.
    struct Successor: Equatable {
        let path: String
        let inode: UInt64
        let proof: Proof
    }

    /// Whether a file was written directly after another.
    enum Proof {
        /// The names show that no file is between them.
        case immediate
        /// The names do not show it: the other file was removed or has another kind of name.
        case unknown
        /// A file between them was removed or compressed.
        case broken
    }

    /// One entry of a directory.
    struct Entry {
        let path: String
        let inode: UInt64
    }

    /// When a file was rotated, according to its name.
    private enum Age {
        /// A number; `.1` is the newest.
        case number(Int)
        /// A date; the greatest is the newest.
        case date(Substring)

        /// `nil` when the two are of different kinds.
        func isNewer(than other: Age) -> Bool? {
            switch (self, other) {
            case (.number(let number), .number(let other)): number < other
            case (.date(let date), .date(let other)): date > other
            default: nil
            }
        }
    }

    /// The path after following symbolic links; the file need not exist.
    static func target(of path: String) -> String {
        var path = path
        // The kernel follows as many links.
        for _ in 0..<40 {
            var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
            let count = readlink(path, &bytes, bytes.count)
            guard count > 0 else { return path }
            let link = String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            path = link.hasPrefix("/") ? link : "\(FileFailure.directory(of: path))/\(link)"
        }
        return path
    }

    /// The entries of the directory of a path; none when it cannot be read.
    ///
    /// - Throws: ``FileFailure`` when the process lacks descriptors or memory.
    static func entries(beside path: String) throws -> [Entry] {
        let directory = FileFailure.directory(of: path)
        guard let stream = opendir(directory) else {
            let failure = FileFailure("the directory \(directory) cannot be read")
            if failure.isOfProcess { throw failure }
            return []
        }
        defer { closedir(stream) }
        // With the directory as written in the path, so that paths can be compared.
        let start = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? ""
        var entries: [Entry] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            let place = start + name
            // A directory entry has another inode number than a mount point or the target of a link.
            var status = stat()
            let isKnown = place.utf8.starts(with: path.utf8) && stat(place, &status) == 0
            entries.append(Entry(path: place, inode: UInt64(isKnown ? status.st_ino : entry.pointee.d_ino)))
        }
        return entries
    }

    /// The file that was written after one that is no longer at `path`.
    ///
    /// `nil` when there is none, or the file is still at the path.
    ///
    /// - Parameter path: a path that is no symbolic link.
    /// - Throws: ``FileFailure`` when the process lacks descriptors or memory.
    static func successor(of inode: UInt64, at path: String) throws -> Successor? {
        let entries = try self.entries(beside: path)
        let newest = entries.first { $0.path.utf8.elementsEqual(path.utf8) }
        guard newest?.inode != inode else { return nil }
        guard let file = entries.first(where: { $0.inode == inode }), let age = self.age(file.path, path)?.age else {
            return newest.map { Successor(path: path, inode: $0.inode, proof: .unknown) }
        }
        var next: (entry: Entry, age: Age)?
        var compressed: [Age] = []
        for entry in entries {
            guard let (other, isCompressed) = self.age(entry.path, path), other.isNewer(than: age) == true else { continue }
            if isCompressed {
                compressed.append(other)
            } else if next.map({ $0.age.isNewer(than: other) == true }) ?? true {
                next = (entry, other)
            }
        }
        // A compressed file between the two.
        var isBroken = compressed.contains { other in next.map { $0.age.isNewer(than: other) == true } ?? true }
        if case .number(let number) = age {
            if case .number(let following)? = next?.age { isBroken = following != number - 1 } else { isBroken = number > 1 }
        }
        guard let entry = next?.entry ?? newest else { return nil }
        return Successor(path: entry.path, inode: entry.inode, proof: isBroken ? .broken : .immediate)
    }

    /// The age and compression of a rotated file, from its name; `nil` for any other file.
    private static func age(_ candidate: String, _ path: String) -> (age: Age, isCompressed: Bool)? {
        guard candidate.utf8.starts(with: path.utf8) else { return nil }
        let suffix = Substring(candidate.utf8.dropFirst(path.utf8.count))
        guard let mark = suffix.first, mark == "." || mark == "-" else { return nil }
        let stamp = suffix.dropFirst().prefix { $0.isASCII && ($0.isNumber || "-_:T".contains($0)) }
        let ending = suffix.dropFirst(1 + stamp.count)
        guard stamp.first?.isNumber == true, ["", ".gz", ".xz", ".zst", ".bz2"].contains(ending) else { return nil }
        // Rotation numbers have up to four digits; longer ones are dates.
        if mark == ".", stamp.count <= 4, let number = Int(stamp) { return (.number(number), !ending.isEmpty) }
        return (.date(stamp), !ending.isEmpty)
    }
}
