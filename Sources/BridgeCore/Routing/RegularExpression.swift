import Glibc
import Synchronization

/// A regular expression that is searched for in folded text, in time linear in that text.
///
/// The syntax is that of JavaScript, without features that no linear search supports: back references and look-around
/// are refused. It runs on glibc's `regexec` (POSIX extended); ``RegularExpressionTranslator`` translates it. The
/// search is anchored, with a prefix that matches everything: otherwise glibc would restart at every byte, which is
/// quadratic. Thread-safe.
final class RegularExpression: Sendable {
    /// The expression as written.
    let text: String
    private let compiled: Mutex<Compiled>

    /// - Throws: ``SettingError`` naming what is wrong with it.
    init(_ text: String) throws(SettingError) {
        var translator = RegularExpressionTranslator(text)
        let pattern = try translator.translate()
        self.text = text
        self.compiled = Mutex(try Compiled(pattern, shown: text))
    }

    /// - Parameter folded: see ``FoldedText/withFolded(_:_:)``.
    func matches(_ folded: UnsafeRawBufferPointer) -> Bool {
        let text = LentText(bytes: folded)
        return self.compiled.withLock { $0.matches(text.bytes) }
    }

    /// Safe because the bytes are only read, and only while the caller of ``matches(_:)`` lends them.
    private struct LentText: @unchecked Sendable {
        let bytes: UnsafeRawBufferPointer
    }

    /// Owns glibc's compiled form.
    private final class Compiled {
        /// The number of text bytes after which glibc's automaton is compiled again.
        ///
        /// glibc keeps every state that a text led to, up to 2 KiB each and at most one per byte; a contrived expression could fill
        /// the memory.
        private static let bytesPerAutomaton = 1 << 16
        private let pattern: [CChar]
        private var expression = regex_t()
        private var remaining = Compiled.bytesPerAutomaton

        init(_ pattern: [UInt8], shown: String) throws(SettingError) {
            self.pattern = pattern.map { CChar(bitPattern: $0) } + [0]
            let code = GlibcRegex.compile(&self.expression, self.pattern, REG_EXTENDED | REG_NOSUB)
            guard code == 0 else {
                var text = [CChar](repeating: 0, count: 256)
                _ = GlibcRegex.describe(code, &self.expression, &text, text.count)
                let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                throw SettingError("'\(shown)' is not a regular expression: \(reason)")
            }
        }

        deinit {
            GlibcRegex.free(&self.expression)
        }

        func matches(_ folded: UnsafeRawBufferPointer) -> Bool {
            self.remaining -= folded.count
            if self.remaining < 0 { self.renew() }
            var range = regmatch_t(rm_so: 0, rm_eo: regoff_t(clamping: folded.count))
            let start = folded.baseAddress?.assumingMemoryBound(to: CChar.self)
            guard let start else { return GlibcRegex.execute(&self.expression, "", 0, nil, 0) == 0 }
            return GlibcRegex.execute(&self.expression, start, 0, &range, REG_STARTEND) == 0
        }

        private func renew() {
            self.remaining = Self.bytesPerAutomaton
            var fresh = regex_t()
            // It compiled before; if memory is short now, the old automaton stays in use.
            guard GlibcRegex.compile(&fresh, self.pattern, REG_EXTENDED | REG_NOSUB) == 0 else { return }
            GlibcRegex.free(&self.expression)
            self.expression = fresh
        }
    }
}
