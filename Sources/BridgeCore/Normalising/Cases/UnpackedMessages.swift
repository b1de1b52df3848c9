/// The messages of a batch as they are read, some of them items of one message.
struct UnpackedMessages {
    /// In order.
    let messages: [ReceivedMessage]
    /// By message as received, its first place in ``messages``; empty when none was split.
    let starts: [Int]

    /// Whether a message has become several.
    var isSplit: Bool { !self.starts.isEmpty }

    /// By message as received, the id of the first of its parts that has one.
    ///
    /// - Parameter ids: those of the parts.
    func ids(ofParts ids: [String?]) -> [String?] {
        guard self.isSplit else { return ids }
        return self.starts.indices.map { place in
            let end = place + 1 < self.starts.count ? self.starts[place + 1] : ids.count
            return ids[self.starts[place]..<end].lazy.compactMap(\.self).first
        }
    }
}
