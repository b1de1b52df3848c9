/// A constant address that a sink writes to, for the check for loops before the start.
///
/// Only what the settings show without an event: a name with a template is not constant.
package struct WrittenPlace: Sendable {
    /// The marks by which the core recognises an event that returns.
    package enum Marks: Sendable {
        /// The body is the event's JSON with its identifier.
        case inBody
        /// Origin and hops are sent next to the body, where the transport of the reader supports it.
        case nextToBody
        /// Nothing.
        case none
    }

    /// The keys below the component that name the place.
    package let setting: [any CodingKey]
    /// The kind of place, such as `topic`; equal to that of the places that can be read there.
    package let kind: String
    /// The server, so that one server has one spelling; empty when the kind has none.
    package let server: String
    /// The name by which readers find the place.
    package let name: String
    /// The name as configured, for messages.
    package let shown: String
    /// The marks that an event carries.
    package let marks: Marks
    /// The settings that leave the marks out, for messages, such as `format: raw`.
    package let content: String
    /// The remedy, for messages.
    package let remedy: String

    /// Makes a place; `shown` is the name by default.
    package init(
        setting: any CodingKey, kind: String, server: String = "", name: String, shown: String? = nil, marks: Marks,
        content: String, remedy: String
    ) {
        self.setting = [setting]
        self.kind = kind
        self.server = server
        self.name = name
        self.shown = shown ?? name
        self.marks = marks
        self.content = content
        self.remedy = remedy
    }

    /// One spelling of `host:port` for each server: in lower case, and the same for `localhost` and the loopback addresses.
    package static func spelling(of authority: String) -> String {
        let authority = authority.lowercased()
        for host in ["localhost:", "[::1]:", "::1:"] where authority.hasPrefix(host) {
            return "127.0.0.1:\(authority.dropFirst(host.count))"
        }
        return authority
    }

    /// Whether what is written here is read there.
    package func isRead(at place: ReadPlace) -> Bool {
        self.kind == place.kind && ExactText(self.server) == ExactText(place.server) && place.names.contains(self.name)
    }

    /// Why events that are written here and read there are not recognised when they return; `nil` when they are
    /// recognised, or not read there.
    package func loopWarning(through place: ReadPlace) -> SettingError? {
        guard self.isRead(at: place) else { return nil }
        switch self.marks {
        case .inBody: return nil
        case .nextToBody where place.readsMarks: return nil
        case .nextToBody, .none: break
        }
        return SettingError(
            path: self.setting,
            "events would loop forever: \(self.shown) returns through \(place.shown), and with \(self.content) it carries"
                + " no mark of its origin; \(self.remedy)"
        )
    }
}
