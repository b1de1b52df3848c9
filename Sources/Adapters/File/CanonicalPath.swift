import Glibc

/// Decides whether two paths name one file.
enum CanonicalPath {
    /// The absolute path without symbolic links, `.` and `..`, as far as the file system has its directories now.
    ///
    /// A part that does not exist is joined as written. Reads the file system.
    static func of(_ path: String) -> String {
        let root = path.hasPrefix("/") ? "/" : "."
        let parts = path.split(separator: "/")
        for count in (0...parts.count).reversed() {
            guard let directory = self.resolved(([root] + parts[..<count].map(String.init)).joined(separator: "/")) else {
                continue
            }
            var result = directory.split(separator: "/")
            for part in parts[count...] where part != "." {
                if part == ".." { _ = result.popLast() } else { result.append(part) }
            }
            return "/" + result.joined(separator: "/")
        }
        return path
    }

    private static func resolved(_ path: String) -> String? {
        guard let text = realpath(path, nil) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }
}
