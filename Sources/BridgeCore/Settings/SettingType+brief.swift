extension SettingType {
    /// The type in words, with `mapping` for a mapping whose keys are listed elsewhere.
    package var brief: String {
        switch self {
        case .group: "mapping"
        case .list(let element): "list of \(element.isGroup ? "mappings" : element.brief)"
        case .mapping(let element): "mapping of names to \(element.isGroup ? "mappings" : element.brief)"
        case .either(let types): types.map(\.brief).joined(separator: ", or ")
        default: self.description
        }
    }

    private var isGroup: Bool { if case .group = self { true } else { false } }
}
