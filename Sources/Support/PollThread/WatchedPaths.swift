import Glibc

/// What is known of some files on disk, to notice when one of them is another.
///
/// Follows symbolic links, as a volume of Kubernetes has them: there a link to a directory is replaced.
struct WatchedPaths {
    /// Loops of links are longer.
    private static let links = 40

    private struct Mark: Equatable {
        let device: UInt
        let file: UInt
        let size: Int
        let modified: [Int]
        let changed: [Int]

        /// - Returns: `nil` for a file that does not exist.
        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            self.device = UInt(status.st_dev)
            self.file = UInt(status.st_ino)
            self.size = Int(status.st_size)
            self.modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
            self.changed = [status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
        }

        /// When the content, the name or the rights changed last, in milliseconds since 1970.
        var changeTime: Int64 { Int64(self.changed[0]) * 1000 + Int64(self.changed[1]) / 1_000_000 }
    }

    /// How far the clock of the file system may be behind, in milliseconds.
    private static let tick: Int64 = 20

    /// By path; `nil` for a file that does not exist, or that may not be the one that was read.
    private var marks: [String: Mark?] = [:]

    /// The files.
    var paths: Set<String> { Set(self.marks.keys) }

    /// Looks at these files only from now on.
    ///
    /// - Parameter time: when the program began to read them, in milliseconds since 1970.
    /// - Returns: whether a file that was not watched before may have changed since then.
    mutating func follow(_ paths: Set<String>, readSince time: Int64) -> Bool {
        var isChanged = false
        let known = self.marks
        self.marks = [:]
        for path in paths {
            if let mark = known[path] {
                self.marks[path] = .some(mark)
                continue
            }
            let mark = Mark(path)
            let isNew = mark.map { $0.changeTime >= time - Self.tick } ?? false
            self.marks[path] = .some(isNew ? nil : mark)
            if isNew { isChanged = true }
        }
        return isChanged
    }

    /// Looks at the files again.
    ///
    /// - Returns: whether one is another than at the last look.
    mutating func look() -> Bool {
        let next = Dictionary(uniqueKeysWithValues: self.marks.keys.map { ($0, Mark($0)) })
        defer { self.marks = next }
        return next != self.marks
    }

    /// The directories in which another file can take the place of one of these: those of the file and of every link on the
    /// way to it, and the directory above each, in which they themselves can be replaced.
    ///
    /// Of a path that is a directory, also itself.
    static func directories(of paths: Set<String>) -> Set<String> {
        var directories: Set<String> = []
        for path in paths {
            var status = stat()
            if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { directories.insert(Self.absolute(path)) }
            for directory in Self.directories(of: path) {
                directories.insert(directory)
                directories.insert(Self.parent(of: directory))
            }
        }
        return directories
    }

    private static func directories(of path: String) -> Set<String> {
        var directories: Set<String> = []
        var left = Self.links
        var rest = Self.absolute(path).split(separator: "/").map(String.init)[...]
        var place = ""
        while let name = rest.popFirst() {
            if name == "." { continue }
            if name == ".." {
                place = Self.parent(of: place.isEmpty ? "/" : place)
                if place == "/" { place = "" }
                continue
            }
            let next = "\(place)/\(name)"
            var target = [CChar](repeating: 0, count: 4096)
            let length = readlink(next, &target, target.count - 1)
            guard length > 0 else {
                if rest.isEmpty { directories.insert(place.isEmpty ? "/" : place) }
                place = next
                continue
            }
            directories.insert(place.isEmpty ? "/" : place)
            left -= 1
            guard left > 0 else { break }
            let text = String(decoding: target[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if text.hasPrefix("/") { place = "" }
            rest = (text.split(separator: "/").map(String.init) + rest)[...]
        }
        return directories
    }

    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/") else { return path }
        guard let directory = getcwd(nil, 0) else { return path }
        defer { free(directory) }
        return "\(String(cString: directory))/\(path)"
    }

    /// The directory in which a path is; `/` for one at the top.
    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}
