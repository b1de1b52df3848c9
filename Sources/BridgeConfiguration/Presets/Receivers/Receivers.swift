extension Preset {
    /// The presets for sinks, in the order of the page *Presets*.
    static let receivers: [Preset] = []
}
