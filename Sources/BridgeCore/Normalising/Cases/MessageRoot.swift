/// Which part of a body is the payload: a path, or `{ from: .payload.body, decode: base64 }`.
struct MessageRoot: SettingGroup {
    /// The path in the body.
    var path = EventPath(root: .payload, steps: [])
    /// How the part is packed, from the outside in; empty for a part that is not.
    var decode: [BodyDecoding] = []

    /// The keys of the mapping.
    static let settings = Settings<Self> {
        Setting(required: "from", \.path, .payloadPath, "Path of the part, such as .payload.body").example(".payload.body")
        Setting(required: "decode", \.decode, .decodings, "How the part is packed, as for decode of the whole body").example(
            "base64")
    }
}

extension SettingCodec where Value == MessageRoot {
    /// A path, or a mapping.
    static var root: Self {
        Self(.either([.text("path in the payload"), .group(MessageRoot.settings.declarations)])) { decoder in
            guard (try? decoder.container(keyedBy: SettingKey.self)) == nil else { return try MessageRoot(settings: decoder) }
            return MessageRoot(path: try SettingCodec<EventPath>.payloadPath.read(decoder))
        }
    }
}
