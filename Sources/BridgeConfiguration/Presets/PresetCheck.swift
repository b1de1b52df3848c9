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
}
