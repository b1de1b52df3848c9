/// One block of `normalise`: which messages it reads, and how they become events.
package struct NormaliseBlock: SettingGroup {
    /// The messages that the block reads; `nil` for every message.
    package private(set) var match: Matcher?
    /// A preset whose rules the block has, which the loader resolves before the block is read.
    private var preset: String?
    /// How the messages become events.
    package var reading: NormaliseSettings
    /// What messages call the block: `normalise[1]`, or `preset hue`; `nil` for the only one of a source.
    package var name: String?

    /// The keys of a block in a list.
    package static let settings = Settings<Self> {
        Setting(
            "match", \.match, .filter, default: "all messages, or those of the preset's topics",
            "Conditions that a message must meet as it arrives, before decode")
        Setting(
            "preset", \.preset, .text("name of a preset"),
            "Rules for messages of a well-known sender, which the other keys override")
        NormaliseSettings.settings.within(\.reading)
    }

    /// Makes a block that reads every message automatically.
    package init() { self.init(NormaliseSettings()) }

    /// Makes a block that reads every message in one way.
    init(_ reading: NormaliseSettings) {
        self.reading = reading
    }

    /// Validates the block alone.
    ///
    /// - Throws: ``SettingError`` for a condition that means nothing here, and what ``NormaliseSettings/validate()`` throws.
    package func validate() throws {
        if self.match?.sources != nil {
            throw SettingError(at: "match", "source", because: "is the source itself here; leave it out")
        }
        try self.reading.validate()
    }
}
