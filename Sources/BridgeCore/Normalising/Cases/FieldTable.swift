/// `map:` of a field: what each value of an event stands for, in any case.
struct FieldTable: Sendable {
    private let entries: [FoldedText: Template]
    /// The entries by their keys as written, in alphabetical order.
    let written: [(key: String, value: Template)]

    /// - Returns: `nil` when two keys differ only by case.
    init?(_ entries: [String: Template]) {
        let folded = Dictionary(entries.map { (FoldedText($0.key), $0.value) }) { first, _ in first }
        guard folded.count == entries.count else { return nil }
        self.entries = folded
        self.written = entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// What a value stands for.
    subscript(value: String) -> Template? { self.entries[FoldedText(value)] }

    /// The parts of its templates.
    var parts: [Template.Part] { self.written.flatMap(\.value.parts) }
}
