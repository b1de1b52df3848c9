extension Matcher {
    /// Matches events by plain lists, as in a query string; a list that is `nil` or empty matches everything.
    ///
    /// - Parameters:
    ///   - priorities: any of these.
    ///   - tags: all of these; case does not matter.
    package init(
        sources: Set<String>? = nil, subjects: [SubjectPattern]? = nil, priorities: [Int] = [], tags: [String] = []
    ) {
        var conditions: [Predicate] = []
        if !priorities.isEmpty { conditions.append(.priority(.oneOf(priorities.map(Double.init)))) }
        if !tags.isEmpty { conditions.append(.allTags(Set(tags.map { FoldedText($0) }))) }
        self.init(sources: sources, subjects: subjects, residual: conditions.isEmpty ? nil : .all(conditions))
    }
}
