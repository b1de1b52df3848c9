/// A text in the making: what an event says, and the markup around it.
///
/// Content stays as it is until the end, so that a limit never cuts an escape or an end of markup.
struct ShapedText {
    private struct Piece {
        var text: String
        /// `nil` until a value around it decides.
        var escape: TextEscape?
        var isMarkup = false
    }

    private var pieces: [Piece] = []

    /// Makes a text of content; one without content is empty.
    init(_ content: String = "") {
        if !content.isEmpty { self.pieces = [Piece(text: content)] }
    }

    var isEmpty: Bool { self.pieces.isEmpty }

    /// Adds another text after a separator.
    mutating func append(_ other: ShapedText, separator: String) {
        guard !other.isEmpty else { return }
        if !self.isEmpty, !separator.isEmpty { self.pieces.append(Piece(text: separator)) }
        self.pieces += other.pieces
    }

    /// Escapes the content that is not escaped yet.
    mutating func escape(_ escape: TextEscape) {
        for index in self.pieces.indices where !self.pieces[index].isMarkup && self.pieces[index].escape == nil {
            self.pieces[index].escape = escape
        }
    }

    /// Adds markup, which counts in no limit.
    mutating func surround(_ before: String, _ after: String) {
        if !before.isEmpty { self.pieces.insert(Piece(text: before, isMarkup: true), at: 0) }
        if !after.isEmpty { self.pieces.append(Piece(text: after, isMarkup: true)) }
    }

    /// Cuts content at the end of a whole character; markup stays.
    mutating func cut(to limit: TextLimit) {
        // Most texts are short, and counting characters is slow.
        let isPlain = self.pieces.allSatisfy { $0.isMarkup || $0.escape == nil }
        if isPlain, self.pieces.reduce(0, { $0 + ($1.isMarkup ? 0 : $1.text.utf8.count) }) <= limit.count { return }
        guard self.room(limit.count, limit.unit) != nil else { return }
        let end = limit.ellipsis.reduce(0) { $0 + Self.cost(of: $1, nil, limit.unit) }
        guard let (index, kept) = self.room(max(limit.count - end, 0), limit.unit) else { return }
        self.pieces[index].text = kept + limit.ellipsis
        for later in self.pieces.indices where later > index && !self.pieces[later].isMarkup { self.pieces[later].text = "" }
    }

    /// Where a limit cuts: the piece, and what stays of it; `nil` when all of the content is within.
    private func room(_ count: Int, _ unit: TextLimit.Unit) -> (index: Int, kept: String)? {
        var left = count
        for (index, piece) in self.pieces.enumerated() where !piece.isMarkup {
            for place in piece.text.indices {
                left -= Self.cost(of: piece.text[place], piece.escape, unit)
                if left < 0 { return (index, String(piece.text[..<place])) }
            }
        }
        return nil
    }

    private static func cost(of character: Character, _ escape: TextEscape?, _ unit: TextLimit.Unit) -> Int {
        if let escape { return escape.cost(of: character, unit) }
        return unit == .bytes ? character.utf8.count : character.unicodeScalars.count
    }

    /// The text as it is sent.
    var text: String {
        self.pieces.reduce(into: "") { $0 += $1.escape?.apply(to: $1.text) ?? $1.text }
    }
}
