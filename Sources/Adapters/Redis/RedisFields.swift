/// An answer of alternating names and values, such as those of XINFO.
struct RedisFields {
    private let items: [RedisReply]

    init(_ reply: RedisReply) {
        self.items = reply.items ?? []
    }

    subscript(name: String) -> RedisReply? {
        for index in stride(from: 0, to: self.items.count - 1, by: 2) where self.items[index].text == name {
            return self.items[index + 1]
        }
        return nil
    }

    /// The number of a field.
    func integer(_ name: String) -> Int? {
        if case .integer(let value)? = self[name] { Int(value) } else { nil }
    }
}
