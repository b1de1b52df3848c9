/// How a source's messages become events: `normalise:` in the file.
package struct NormaliseSettings: Sendable {
    /// The source's own mapping, field by field; what it leaves out, or what renders empty, `auto` decides.
    package var title: Template?
    package var message: Template?
    /// Must render a number; it is rounded and clamped to 1…5.
    ///
    /// Anything else leaves the priority absent.
    package var priority: Template?
    /// A comma list.
    package var tags: Template?
    /// Must render a legal id, else the id is made as without a mapping.
    package var id: Template?
    /// RFC 3339, or seconds or milliseconds since 1970 (told apart by size).
    package var timestamp: Template?
    package var limits: EventLimits

    package init(
        title: Template? = nil, message: Template? = nil, priority: Template? = nil, tags: Template? = nil, id: Template? = nil,
        timestamp: Template? = nil, limits: EventLimits = EventLimits()
    ) {
        self.title = title
        self.message = message
        self.priority = priority
        self.tags = tags
        self.id = id
        self.timestamp = timestamp
        self.limits = limits
    }
}
