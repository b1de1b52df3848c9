extension Preset {
    /// The presets for sources, in the order of the page *Presets*.
    static let senders: [Preset] = [
        Self.zigbee2mqtt
    ]
}
