/// Limits on the length of the parts of an event.
///
/// Longer parts are truncated, never refused.
package struct EventLimits: Sendable, Equatable {
    /// The limit on the title in UTF-16 units.
    package var title: Int
    /// The limit on the message in UTF-16 units.
    package var message: Int
    /// The title in the JSON of an event without one; `nil` omits the member.
    package var absentTitle: String?

    /// Makes limits, by default those of a file without the keys.
    package init(title: Int = 200, message: Int = 4000, absentTitle: String? = "") {
        self.title = title
        self.message = message
        self.absentTitle = absentTitle
    }
}
