import Glibc

/// The files that a path in `include` stands for: a file, the YAML files of a folder, or those that a pattern of glob(7) matches.
enum IncludedPaths {
    /// - Returns: the paths in the order of their bytes; empty when a folder or a pattern has no file.
    /// - Throws: ``ConfigurationInput/FileError`` for a path that does not exist.
    static func paths(of path: String) throws -> [String] {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let reason = errno
            if path.contains(where: { "*?[".contains($0) }) { return Self.matches(of: path) }
            throw ConfigurationInput.FileError(message: String(cString: strerror(reason)))
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return [path] }
        var folder = ""
        for character in path {
            if "*?[\\".contains(character) { folder.append("\\") }
            folder.append(character)
        }
        while folder.hasSuffix("/"), folder != "/" { folder.removeLast() }
        return (Self.matches(of: folder + "/*.yaml") + Self.matches(of: folder + "/*.yml")).sorted()
    }

    /// The folders in which a file for the path can appear later: the folder itself, or those that the parts of a pattern match, the first of
    /// which may not exist yet.
    static func folders(of path: String) -> [String] {
        var status = stat()
        let isFolder = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        guard !isFolder, let wildcard = path.firstIndex(where: { "*?[".contains($0) }) else { return [path] }
        let first = path[..<wildcard].lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        return [first] + Self.matchedFolders(of: path, from: wildcard)
    }

    /// The folders that the parts of a pattern up to its last one match.
    private static func matchedFolders(of pattern: String, from wildcard: String.Index) -> [String] {
        pattern[wildcard...].indices.filter { pattern[$0] == "/" }.flatMap { Self.glob(String(pattern[..<$0])) }.filter { path in
            var status = stat()
            return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        }
    }

    /// The files that match a pattern; hidden files only where the pattern names the dot.
    private static func matches(of pattern: String) -> [String] {
        Self.glob(pattern).filter { path in
            var status = stat()
            return stat(path, &status) != 0 || status.st_mode & S_IFMT != S_IFDIR
        }
    }

    /// What a pattern matches, in order.
    private static func glob(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard Glibc.glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
    }
}
