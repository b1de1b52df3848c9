import BridgeCore

/// Replaces `${env:NAME}`, `${env:NAME:-default}` and `${file:PATH}` in one scalar; `$$` means `$`.
///
/// A default and a path can have references themselves, such as `${file:${env:CREDENTIALS_DIRECTORY}/password}`.
/// Done after parsing, so that no value can add structure to the file. What is replaced is never part of a message.
struct ScalarExpansion {
    let environment: [String: String]
    let readFile: @Sendable (String) throws -> String

    /// What is wrong with a scalar.
    struct Failure: Error {
        let message: String
    }

    /// The limit on references in references.
    static let mostNested = 4

    /// - Parameters:
    ///   - found: called with the value of each reference, defaults excepted.
    ///   - reads: called with the path of each file before it is read.
    func expand(
        _ text: String, found: (String) -> Void = { _ in }, reads: (String) -> Void = { _ in }
    ) throws(Failure) -> String {
        try self.expand(text, depth: 0, found: found, reads: reads)
    }

    private func expand(
        _ text: String, depth: Int, found: (String) -> Void, reads: (String) -> Void
    ) throws(Failure) -> String {
        guard depth <= Self.mostNested else {
            throw Failure(message: "references are nested more than \(Self.mostNested) deep")
        }
        guard text.contains("$") else { return text }
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                result += "$"
                rest = rest.dropFirst()
            } else if rest.first == "{" {
                guard let end = Self.end(of: rest) else {
                    throw Failure(message: "'${' has no closing '}'; write $$ for a plain $")
                }
                let reference = String(rest[rest.index(after: rest.startIndex)..<end])
                result += try self.value(of: reference, depth: depth, found: found, reads: reads)
                rest = rest[rest.index(after: end)...]
            } else {
                result += "$"
            }
        }
        return result + rest
    }

    /// The `}` of the reference whose `{` begins the text; `nil` when there is none.
    private static func end(of text: Substring) -> Substring.Index? {
        var depth = 0
        var previous: Character = "$"
        for index in text.indices {
            let character = text[index]
            if character == "{", previous == "$" { depth += 1 }
            if character == "}" { depth -= 1 }
            if depth == 0 { return index }
            previous = character
        }
        return nil
    }

    private func value(
        of reference: String, depth: Int, found: (String) -> Void, reads: (String) -> Void
    ) throws(Failure) -> String {
        if reference.hasPrefix("env:") {
            let body = reference.dropFirst(4)
            let parts = body.split(separator: ":-", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            if let value = self.environment[name], parts.count == 1 || !value.isEmpty {
                found(value)
                return value
            }
            guard name == name.trimmingSpaces else {
                throw Failure(message: "'${\(reference)}' has spaces; write ${env:\(name.trimmingSpaces)}")
            }
            guard parts.count == 2 else {
                throw Failure(message: "the environment variable \(name) is not set; set it or write ${env:\(name):-default}")
            }
            return try self.expand(String(parts[1]), depth: depth + 1, found: found, reads: reads)
        }
        if reference.hasPrefix("file:") {
            // The name of a file is no secret, as the values in it are.
            let path = try self.expand(String(reference.dropFirst(5)), depth: depth + 1, found: { _ in }, reads: reads)
            reads(path)
            do {
                let text = try self.readFile(path)
                let value = text.hasSuffix("\n") ? String(text.dropLast()) : text
                found(value)
                return value
            } catch {
                throw Failure(message: "the file \(path) cannot be read: \(error); put it there, or name another one")
            }
        }
        if Self.isVariableName(reference[...]) {
            throw Failure(message: "'${\(reference)}' is not known; write ${env:\(reference)} for the environment variable")
        }
        throw Failure(
            message: "'${\(reference)}' is not known; write ${env:NAME}, ${env:NAME:-default}, ${file:PATH}, or $$ for a plain $")
    }

    /// The name in a text such as `$MQTT_PASSWORD`, which shells would replace and this program does not.
    static func variableWithoutBraces(_ text: String) -> Substring? {
        guard text.hasPrefix("$") else { return nil }
        let name = text.dropFirst()
        guard Self.isVariableName(name), name == name.uppercased() else { return nil }
        return name
    }

    /// The first name in a text such as `mqtt://$HOST:1883`, which is used as written too; `nil` in expressions, where
    /// `$` begins a variable.
    static func variableWithinText(_ text: String) -> Substring? {
        guard text.contains("$"), !text.contains("{{") else { return nil }
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            let before = dollar == rest.startIndex ? nil : rest[rest.index(before: dollar)]
            let name = rest[rest.index(after: dollar)...].prefix { $0.isASCII && ($0.isUppercase || $0.isNumber || $0 == "_") }
            rest = rest[name.endIndex...]
            let isWhole = !(rest.first.map { $0.isLetter } ?? false)
            let isApart = before.map { !$0.isLetter && !$0.isNumber && $0 != "$" } ?? true
            if name.count > 1, name != "ENV", isWhole, isApart, Self.isVariableName(name) { return name }
            if name.isEmpty, rest.first == "$" { rest = rest.dropFirst() }
        }
        return nil
    }

    private static func isVariableName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
        return text.utf8.allSatisfy { BridgeLoader.isNameByte($0) && $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "-") }
    }
}
