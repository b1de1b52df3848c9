/// How a source's messages become events: `normalise:` in the file.
package struct NormaliseSettings: Sendable {
    /// The source's own mapping, field by field; what it leaves out, what renders empty, or what fails, `auto` decides.
    ///
    /// A failure is counted and logged.
    package var title: Template?
    package var message: Template?
    /// Must render a number; it is rounded and clamped to 1…5.
    ///
    /// What renders empty leaves the priority absent.
    package var priority: Template?
    /// A comma list.
    package var tags: Template?
    /// Must render a legal id.
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

    /// Whether expressions are evaluated for the mapping.
    var evaluates: Bool {
        [self.title, self.message, self.priority, self.tags, self.id, self.timestamp].contains { $0?.isEvaluated == true }
    }
}
