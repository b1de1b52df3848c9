import BridgeCore

/// Suggests the jq form of an expression in the syntax of another language.
///
/// A value without I/O; examines the text and the message of jq's compiler.
enum JQAdvice {
    /// The remedy, as the end of a sentence; `nil` for none.
    ///
    /// - Parameters:
    ///   - text: the whole expression.
    ///   - message: the message of jq's compiler.
    static func remedy(for text: String, message: String) -> String? {
        if let (name, arity) = Self.undefinedFunction(message) {
            if let path = Self.hyphenated(name, in: Self.withoutStrings(text)) { return path }
            return Self.remedy(forName: name, arity: arity)
        }
        if message.hasSuffix("is not defined"), message.hasPrefix("$") {
            return "the variables are \(Self.variables.map { "$\($0)" }.joined(separator: ", ")), and '.' is the event"
        }
        let code = Self.withoutStrings(text)
        for (sign, remedy) in Self.signs where code.contains(sign) { return remedy }
        if let name = Self.method(in: code) {
            return "jq has no methods; write .member | \(Self.functions[name.lowercased()] ?? String(name))"
        }
        for (word, remedy) in Self.words where code.contains(word) { return remedy }
        if code.contains("?"), code.contains(":") { return "write if CONDITION then A else B end for CONDITION ? A : B" }
        if code.contains("if "), !code.contains("else") || !code.contains("end") { return "write if CONDITION then A else B end" }
        return nil
    }

    /// A condition that compiles and cannot be meant: `=` assigns, and an assignment's result is always true.
    static func mistakeInCondition(_ text: String) -> String? {
        let code = Array(Self.withoutStrings(text).utf8)
        var depth = 0
        var assigns = false
        for (index, byte) in code.enumerated() {
            switch byte {
            case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            case UInt8(ascii: "|") where depth == 0 && code.dropFirst(index + 1).first != UInt8(ascii: "="): assigns = false
            case UInt8(ascii: "=") where depth == 0:
                let before = index > 0 ? code[index - 1] : 0
                let after = index + 1 < code.count ? code[index + 1] : 0
                if !"=!<>".utf8.contains(before), after != UInt8(ascii: "=") { assigns = true }
            default: break
            }
        }
        return assigns ? "'=' assigns, and an assignment is always true; write '==' to compare" : nil
    }

    // MARK: What people write

    private static let members = ["id", "title", "message", "priority", "tags", "timestamp", "payload"]
    private static let variables = ["source", "subject", "segments", "attributes", "raw", "now"]

    private static let signs = [
        ("&&", "write 'and' for '&&'"), ("||", "write 'or' for '||'"), ("===", "write '==' for '==='"),
        ("!==", "write '!=' for '!=='"),
        ("=>", "write '>=' for '=>'"), ("=<", "write '<=' for '=<'"), ("<>", "write '!=' for '<>'"),
        ("=~", "write (.title | test(\"…\")) for a regular expression"), ("'", "text needs double quotes, not single ones"),
    ]

    private static let words = [
        (" contains ", "write (.title | contains(\"…\"))"), (" matches ", "write (.title | test(\"…\"))"),
        (" startswith ", "write (.title | startswith(\"…\"))"), (" endswith ", "write (.title | endswith(\"…\"))"),
        (" like ", "write (.title | test(\"…\"))"), (" in [", "write (.title | IN(\"a\", \"b\"))"),
        (" is not ", "write '!=' for 'is not'"),
        (" is ", "write '==' for 'is'"), ("!.", "write (.member | not) for '!.member'"), ("!(", "write (… | not) for '!(…)'"),
    ]

    /// Names of jq's functions in other languages.
    private static let functions = [
        "upper": "ascii_upcase", "uppercase": "ascii_upcase", "toupper": "ascii_upcase", "touppercase": "ascii_upcase",
        "lower": "ascii_downcase", "lowercase": "ascii_downcase", "tolower": "ascii_downcase", "tolowercase": "ascii_downcase",
        "len": "length", "size": "length", "count": "length", "int": "tonumber", "float": "tonumber", "number": "tonumber",
        "parseint": "tonumber", "str": "tostring", "string": "tostring", "replace": "gsub(\"a\"; \"b\")",
        "includes": "contains(\"…\")", "contains": "contains(\"…\")", "has": "has(\"…\")", "startswith": "startswith(\"…\")",
        "endswith": "endswith(\"…\")", "match": "test(\"…\")", "matches": "test(\"…\")", "split": "split(\",\")",
        "join": "join(\",\")",
        "trim": "gsub(\"^\\\\s+|\\\\s+$\"; \"\")", "default": "// \"…\"", "concat": "+", "json": "tojson",
        "date": "strftime(\"%F\")",
        "abs": "fabs", "head": "first", "tail": "last", "length": "length", "lowcase": "ascii_downcase",
    ]

    private static func remedy(forName name: String, arity: Int) -> String? {
        if let member = Self.members.first(where: { $0 == name.lowercased() }) {
            return "write '.\(member)' for the event's \(member)"
        }
        if let variable = Self.variables.first(where: { $0 == name.lowercased() }) { return "write '$\(variable)'" }
        if let function = Self.functions[name.lowercased()] { return "jq writes \(function)" }
        guard arity == 0 else { return nil }
        return "text needs double quotes, such as \"\(name)\", and the event's members begin with a dot, such as .title"
    }

    /// A member whose name has a hyphen, which jq parses as a subtraction: `$attributes.x-github-event`.
    private static func hyphenated(_ name: String, in code: String) -> String? {
        func isOfName(_ character: Character) -> Bool { character.isLetter || character.isNumber || "_-".contains(character) }
        guard let found = code.firstRange(of: "-" + name) else { return nil }
        let left = code[..<found.lowerBound]
        let start = left.index(left.endIndex, offsetBy: -left.reversed().prefix(while: isOfName).count)
        guard start < found.lowerBound, start > code.startIndex, code[code.index(before: start)] == "." else { return nil }
        let end = code[start...].firstIndex { !isOfName($0) } ?? code.endIndex
        let dot = code.index(before: start)
        let base = code[..<dot].reversed().prefix { isOfName($0) && $0 != "-" || $0 == "." || $0 == "$" }.reversed()
        return "write \(base.isEmpty ? "." : String(base))[\"\(code[start..<end])\"] for a name with a hyphen"
    }

    /// The name and the number of arguments in `upper/0 is not defined`.
    private static func undefinedFunction(_ message: String) -> (name: String, arity: Int)? {
        guard message.hasSuffix(" is not defined"), let slash = message.firstIndex(of: "/"), !message.hasPrefix("$") else {
            return nil
        }
        let arity = Int(message[message.index(after: slash)...].prefix { $0.isNumber })
        return arity.map { (String(message[..<slash]), $0) }
    }

    /// The name in `.title.contains(`.
    private static func method(in code: String) -> Substring? {
        for (index, character) in zip(code.indices, code) where character == "(" {
            let name = code[..<index].reversed().prefix { $0.isLetter || $0 == "_" }
            let start = code.index(index, offsetBy: -name.count)
            if !name.isEmpty, start > code.startIndex, code[code.index(before: start)] == "." { return code[start..<index] }
        }
        return nil
    }

    /// The code without the content of its strings.
    private static func withoutStrings(_ text: String) -> String {
        var code = ""
        var isString = false
        var isEscaped = false
        for character in text {
            if isEscaped {
                isEscaped = false
            } else if character == "\\", isString {
                isEscaped = true
            } else if character == "\"" {
                isString.toggle()
                code.append(character)
            } else if !isString {
                code.append(character)
            }
        }
        return code
    }
}
