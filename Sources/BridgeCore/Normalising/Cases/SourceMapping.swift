/// What a source's `normalise` changes in its events: the first case that matches, over the templates of single fields.
///
/// Everything sees the event as it is read automatically. Not thread-safe: it reads events with one reader.
final class SourceMapping {
    /// What became of one message.
    struct Result {
        /// The parts that did not apply.
        var failures: [FieldFailure] = []
        /// Whether a case says that the message is no event.
        var isDropped = false
        /// Whether a case or the templates had a say.
        var isMapped = false
    }

    private let fields: FieldMapping?
    let cases: [NormaliseCase]
    /// The fields of each case that depend on more than the subject; `nil` for a case without any.
    private let varying: [CaseFields?]
    private var subjects: SubjectCases
    /// What messages call the fields of each case.
    let places: [String]
    let reader = EventReader()
    /// Whether some part of it needs the JSON of the event.
    let needsJSON: Bool
    /// Whether some part of it depends on the message that is read automatically.
    let readsMessage: Bool
    /// Whether it has expressions that benefit from an evaluation in batches.
    let evaluatesAhead: Bool

    /// `nil` when the settings map nothing.
    init?(_ settings: NormaliseSettings) {
        self.fields = FieldMapping(settings)
        self.cases = settings.cases
        self.varying = settings.cases.map { $0.fields?.bySubject.varying }.map { $0?.isEmpty == false ? $0 : nil }
        self.subjects = SubjectCases(settings.cases)
        self.places = settings.cases.indices.map { "\(settings.name(of: "cases[\($0)]")).set" }
        guard self.fields != nil || !self.cases.isEmpty else { return nil }
        let parts = (self.fields?.templates.flatMap(\.parts) ?? []) + self.cases.flatMap(\.parts)
        self.needsJSON = parts.contains(where: \.needsJSON)
        self.readsMessage =
            parts.contains(where: \.readsMessage) || self.cases.contains { $0.match?.residual?.readsMessage == true }
        self.evaluatesAhead = parts.contains(where: \.isEvaluated)
    }

    /// Evaluates the expressions for the events of a batch, which ``apply(to:as:now:)`` then gets one by one.
    func begin(_ events: [Event], now: Timestamp) {
        self.reader.begin(events, now: now)
        var requests: [EvaluatedAhead.Request] = []
        for place in events.indices {
            self.reader.load(at: place)
            let own = self.matching.map { self.cases[$0].parts } ?? []
            for part in (self.fields?.templates.flatMap(\.parts) ?? []) + own {
                guard let expression = part.expression(for: self.reader) else { continue }
                requests.append(EvaluatedAhead.Request(expression: expression, event: place, view: .template))
            }
        }
        self.reader.evaluateAhead(requests)
    }

    /// Forgets the batch.
    func endBatch() {
        self.reader.endBatch()
    }

    /// Changes the draft of an event.
    ///
    /// - Parameter event: the draft as an event.
    func apply(to draft: inout Draft, as event: Event, now: Timestamp) -> Result {
        let isAlone = self.evaluatesAhead && self.reader.batch == nil
        if isAlone { self.begin([event], now: now) }
        defer { if isAlone { self.reader.endBatch() } }
        self.reader.load(event, now: now, root: draft.root)
        var result = Result()
        let index = self.matching
        if let index, self.cases[index].isDropped {
            result.isDropped = true
            return result
        }
        result.isMapped = self.fields != nil || index != nil
        self.fields?.apply(to: &draft, self.reader, failures: &result.failures)
        if let index {
            let place = self.places[index]
            self.subjects.fixed(of: index, self.reader, at: place, failures: &result.failures)?.apply(to: &draft)
            self.varying[index]?.changes(self.reader, at: place, failures: &result.failures).apply(to: &draft)
        }
        return result
    }

    /// The first case for the event that the reader holds.
    private var matching: Int? {
        guard let event = self.reader.event else { return nil }
        return self.subjects.cases(for: event.subject).first { self.cases[$0].match?.residual?.holds(self.reader) ?? true }
    }
}
