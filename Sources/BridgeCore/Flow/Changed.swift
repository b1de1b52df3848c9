/// `changed:` of a route: an event passes only if a value differs from that of the last event with the same key.
///
/// The first event of a key passes; an event without the value does not. Immutable.
package struct Changed: SettingGroup {
    /// The value to compare, as text.
    var value = Template()
    /// Which events are compared; empty for those of one source and subject.
    var key = Template()

    /// The keys of `changed`.
    package static let settings = Settings<Self> {
        Setting(required: "of", \.value, .flowKey, "Value that is compared with the last one").example("'{{ .payload.state }}'")
        Setting("key", \.key, .flowKey, "Key whose events are compared; source and subject without it").example(
            "'{{ $subject }}'")
    }

    /// Makes settings with the defaults.
    package init() {}
}
