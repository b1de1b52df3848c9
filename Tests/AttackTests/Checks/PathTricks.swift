/// Spellings of the paths of a guarded stream and webhook.
enum PathTricks {
    static let all = ["/api/stream/out", "/n/in", "/api/webhooks/in"].flatMap { path in
        let name = path.split(separator: "/").last ?? ""
        let folder = path.dropLast(name.count)
        return [
            path, "/\(path)", "\(path)/", "\(path)//", "/.\(path)", "/x/..\(path)", "/%2e\(path)", "/x/%2e%2e\(path)",
            "/x/..%2f\(path.dropFirst())",
            "\(folder)./\(name)", "\(folder)%2e/\(name)", "\(folder)\(name)/.", "\(folder)\(name)/..", "\(folder)\(name);x=y",
            "\(folder)\(name)%00", "\(folder)\(name)%0a", "\(folder)\(name)%20", "\(folder)\(name)%09", "\(folder)\(name)%2f",
            "\(folder)%252e%252e/\(name)", "\(folder)%c0%ae/\(name)", "\(folder)%u006f\(name.dropFirst())",
            "\(folder)%\(String(name.utf8.first ?? 0, radix: 16))\(name.dropFirst())", "\(folder)\(name.uppercased())",
            "\(folder)\\\(name)",
            "\(folder)\(name)?", "\(folder)\(name)#", "\(folder)\(name)?token=secret", "\(folder)\(name)?access_token=secret",
            "\(folder)%E2%80%AE\(name)", "\(folder)\(name)%EF%BB%BF", "http://y\(path)", "http://y@x\(path)",
            "\(folder)\(name),honest",
            "\(folder)+", "\(folder)%2B", "\(folder)%23", "\(folder)*", "\(folder)\(name)%2C", "\(folder)%24\(name)", "\(folder)",
        ]
    }
}
