extension Matcher {
    /// Takes the events of one subject pattern.
    package init(subject: SubjectPattern) {
        self.init(subjects: [subject])
    }
}
