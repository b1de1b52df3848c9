/// How long the parts of an event may be.
///
/// What is longer is cut, never refused.
package struct EventLimits: Sendable, Equatable {
    /// UTF-16 units of the title.
    package var title: Int
    /// UTF-16 units of the message.
    package var message: Int
    /// What stands for an absent title in the JSON; `nil` leaves the member out.
    package var absentTitle: String?

    package init(title: Int = 200, message: Int = 4000, absentTitle: String? = "") {
        self.title = title
        self.message = message
        self.absentTitle = absentTitle
    }
}
