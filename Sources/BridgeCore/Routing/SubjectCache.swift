/// The cached routes of subjects, bounded: two generations, of which the older is dropped when the younger is full.
///
/// An uncached subject costs about ten times as much as a cached one.
struct SubjectCache {
    /// Entries per generation.
    static let capacity = 4096
    /// Longer subjects are not cached, so that subjects from a peer use at most a few megabytes.
    static let longestSubject = 512

    private var young: [ExactText: Candidates] = [:]
    private var old: [ExactText: Candidates] = [:]

    mutating func find(_ subject: String) -> Candidates? {
        let key = ExactText(subject)
        if let found = self.young[key] { return found }
        guard let found = self.old[key] else { return nil }
        self.insert(found, for: subject)
        return found
    }

    mutating func insert(_ candidates: Candidates, for subject: String) {
        guard subject.utf8.count <= Self.longestSubject else { return }
        if self.young.count >= Self.capacity {
            swap(&self.old, &self.young)
            self.young.removeAll(keepingCapacity: true)
        }
        self.young[ExactText(subject)] = candidates
    }

    /// For tests.
    var count: Int { self.young.count + self.old.count }
}
