package import JSON

extension EventPath {
    /// The value at a path of a payload in other JSON, such as an answer.
    package func element(in root: JSONElement) -> JSONElement? {
        Self.element(at: self.steps, in: root)
    }

    static func element(at steps: [Step], in root: JSONElement) -> JSONElement? {
        var element = root
        for step in steps {
            let next: JSONElement? =
                switch step {
                case .key(let key): element.kind == .object ? element[key] : nil
                case .index(let index): Self.item(index, of: element)
                case .number(let index, let key):
                    element.kind == .array ? Self.item(index, of: element) : element.kind == .object ? element[key] : nil
                }
            guard let next else { return nil }
            element = next
        }
        return element
    }

    private static func item(_ index: Int, of element: JSONElement) -> JSONElement? {
        guard element.kind == .array else { return nil }
        if index >= 0 { return element[index] }
        let place = element.count + index
        return place < 0 ? nil : element[place]
    }
}
