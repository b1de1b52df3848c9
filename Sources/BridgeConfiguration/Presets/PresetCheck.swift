/// A rule of a peer about one key of a component, such as that an address names no topic.
///
/// The loader applies it to the value in the file, and reports a mistake there.
struct PresetCheck: Sendable {
    /// The key of the component.
    let key: String
    /// What is wrong with the value, and the remedy; `nil` when nothing is.
    let problem: @Sendable (String) -> String?

    init(_ key: String, _ problem: @escaping @Sendable (String) -> String?) {
        self.key = key
        self.problem = problem
    }

    /// The path of an address, without the slash in front of it and the query.
    static func path(of url: String) -> Substring {
        let rest = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
        return rest.prefix { $0 != "?" && $0 != "#" }.drop { $0 != "/" }.dropFirst()
    }

    /// The parts of the path of an address between its slashes, empty ones excepted.
    static func segments(of url: String) -> [String] {
        self.path(of: self.withoutTemplates(url)).split(separator: "/").map(String.init)
    }

    /// An address with a letter in place of each template, which may contain slashes.
    private static func withoutTemplates(_ url: String) -> String {
        var text = ""
        var rest = url[...]
        while let start = rest.firstRange(of: "{{"), let end = rest[start.upperBound...].firstRange(of: "}}") {
            text += rest[..<start.lowerBound] + "x"
            rest = rest[end.upperBound...]
        }
        return text + rest
    }

    /// The host of an address in lower case, without credentials and port.
    static func host(of url: String) -> String {
        let rest = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
        let authority = rest.prefix { !"/?#".contains($0) }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        return host.prefix { $0 != ":" }.lowercased()
    }

    /// Refuses an address whose path does not end with these parts, of which `*` is any.
    ///
    /// - Parameter remedy: what is wrong with such an address and what to write.
    static func url(endsWith parts: [String], else remedy: String) -> Self {
        Self("url") { url in
            let segments = self.segments(of: url).suffix(parts.count)
            let fits = zip(segments, parts).allSatisfy { $1 == "*" || $0.lowercased() == $1.lowercased() }
            return segments.count == parts.count && fits ? nil : remedy
        }
    }
}
