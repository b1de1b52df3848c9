/// Definitions that stand in for those functions of libjq 1.6 which, for values that any event can hold, end the program or never return.
///
/// No watchdog helps there: the fault lies in one step. Each does what later versions of jq do, or fails as an expression fails, and leaves
/// the rest to libjq's own function.
struct JQGuards {
    /// Gives libjq's own functions another name.
    private let kept: String
    /// What stands in for them.
    private let replacement: String

    /// Only those that a text may need, since each makes compiling and evaluating take a little longer.
    static func definitions(for text: String) -> String {
        var guards: [JQGuards] = []
        if text.contains("strf") || text.contains("date") { guards.append(.times) }
        if text.contains("%") { guards.append(.remainder) }
        if text.contains("ind") { guards.append(.places) }
        if text.contains("*") { guards.append(.repetition) }
        if text.contains("setpath") || Self.assigns(text) { guards.append(.assignment) }
        // Once more at the end, where the other name means what stands in: nobody reaches libjq's own by it.
        return guards.map { "\($0.kept) \($0.replacement) \($0.kept) " }.joined()
    }

    /// A number beyond the years of `struct tm`, and a format that is no text, end the program by an assertion.
    private static let times = JQGuards(
        kept: "def __strftime(f): strftime(f); def __strflocaltime(f): strflocaltime(f);",
        replacement: """
            def __format(f): f as $f | if ($f | type) == "string" then $f else error("the format of a time must be a text") end; \
            def strftime(f): __format(f) as $f | if type == "number" then gmtime else . end | __strftime($f); \
            def strflocaltime(f): __format(f) as $f | if type == "number" then localtime else . end | __strflocaltime($f); \
            def todateiso8601: strftime("%Y-%m-%dT%H:%M:%SZ"); def todate: todateiso8601; def date: todate;
            """
    )

    /// The least integer divided by -1 is a fault of the processor; that remainder is 0 for every number.
    private static let remainder = JQGuards(
        kept: "def __mod(a; b): _mod(a; b);",
        replacement: """
            def _mod(a; b): b as $b | a as $a | if ($a | type) == "number" and ($b | type) == "number" and $b <= -1 and $b > -2 \
            then 0 else __mod($a; $b) end;
            """
    )

    /// The empty text is found at one place for ever, until there is no memory left.
    private static let places = JQGuards(
        kept: "def __strindices(i): _strindices(i); def __indices(i): indices(i);",
        replacement: """
            def _strindices(i): i as $i | if $i == "" then null else __strindices($i) end; \
            def indices(i): i as $i | if $i == "" then null else __indices($i) end; \
            def index(i): i as $i | indices($i) | .[0]; def rindex(i): i as $i | indices($i) | .[-1:][0];
            """
    )

    /// A text repeated as often as an event says may take all memory, and minutes; 10 MB are plenty.
    private static let repetition = JQGuards(
        kept: "def __multiply(a; b): _multiply(a; b);",
        replacement: """
            def __exceeds(n): n > 1e7 / (1 + utf8bytelength); \
            def _multiply(a; b): b as $b | a as $a | \
            if ($a | type) == "string" and ($b | type) == "number" and ($a | __exceeds($b)) \
            or ($b | type) == "string" and ($a | type) == "number" and ($b | __exceeds($a)) \
            then error("the text would be too long") else __multiply($a; $b) end;
            """
    )

    /// An array is made as long as its largest index, and the reckoning of its size overflows.
    private static let assignment = JQGuards(
        kept: """
            def __setpath(p; v): setpath(p; v); def __assign(p; v): _assign(p; v); def __modify(p; f): _modify(p; f);
            """,
        replacement: """
            def __isfar(p): ([p | .[]? | numbers] | max) > 1e6; \
            def setpath(p; v): if __isfar(p) then error("the index is too large") else __setpath(p; v) end; \
            def _assign(p; v): if __isfar(path(p)) then error("the index is too large") else __assign(p; v) end; \
            def _modify(p; f): if __isfar(path(p)) then error("the index is too large") else __modify(p; f) end;
            """
    )

    /// Whether an `=` may be more than a part of a comparison.
    private static func assigns(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let equals = UInt8(ascii: "=")
        return bytes.indices.contains { index in
            guard bytes[index] == equals else { return false }
            let before = index > 0 ? bytes[index - 1] : 0
            let after = index + 1 < bytes.count ? bytes[index + 1] : 0
            return after != equals && before != equals && !"!<>".utf8.contains(before)
        }
    }
}
