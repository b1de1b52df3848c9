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

extension EventPath {
    /// The path as templates write it, such as `.payload.rooms[0]`.
    package var text: String {
        let field = Root.fields.first { $0.root == self.root }.map { ".\($0.name)" }
        let start = field ?? Root.variables.first { $0.root == self.root }.map { "$\($0.name)" } ?? ""
        let steps = self.steps.map { step in
            switch step {
            case .key(let name): Self.isPlain(name) ? ".\(name)" : "[\(JSONText.string(name))]"
            case .index(let index): "[\(index)]"
            case .number(_, let text): ".\(text)"
            }
        }
        let text = start + steps.joined()
        return text.isEmpty ? "." : text
    }

    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "[") && $0 > 0x20 && $0 != 0x22 }
    }
}
