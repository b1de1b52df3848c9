import NIOCore

/// Writes whole numbers beyond 64 bits in full, which the parser knows only as rounded numbers such as `1.8446744073709552e+19`.
enum LongNumbers {
    /// How many digits are written in full.
    private static let mostDigits = 100

    /// A text about a JSON body, with the digits of its long numbers in place of the rounded ones.
    ///
    /// Two different numbers with the same rounded form stay rounded: in the text they are alike.
    static func restored(_ text: String, from body: ByteBuffer?) -> String {
        guard text.utf8.contains(UInt8(ascii: "+")), text.contains("e+"), let body else { return text }
        var digits: [String: String?] = [:]
        for number in self.numbers(in: body.readableBytesView) {
            // The parser too reads only the digits that a number of its own can hold.
            guard let rounded = Double(number.dropLast(3) + "e3").map({ "\($0)" }), rounded.contains("e+") else { continue }
            if let known = digits[rounded], known != number { digits[rounded] = .some(nil) } else { digits[rounded] = number }
        }
        return digits.reduce(into: text) { text, entry in
            if let number = entry.value { text.replace(entry.key, with: number) }
        }
    }

    /// The whole numbers of 19 digits and more, outside strings.
    private static func numbers(in bytes: ByteBufferView) -> [String] {
        var numbers: [String] = []
        var index = bytes.startIndex
        func isDigit(_ index: Int) -> Bool { index < bytes.endIndex && (0x30...0x39).contains(bytes[index]) }
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                index += 1
                while index < bytes.endIndex, bytes[index] != UInt8(ascii: "\"") {
                    index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                }
                index += 1
                continue
            }
            let start = index
            index += 1
            guard isDigit(start) || byte == UInt8(ascii: "-") && isDigit(index) else { continue }
            while isDigit(index) { index += 1 }
            let isWhole = index >= bytes.endIndex || ![0x2E, 0x45, 0x65].contains(bytes[index])
            if isWhole {
                if (19...self.mostDigits).contains(index - start) {
                    numbers.append(String(decoding: bytes[start..<index], as: UTF8.self))
                }
                continue
            }
            while index < bytes.endIndex, isDigit(index) || [0x2E, 0x45, 0x65, 0x2B, 0x2D].contains(bytes[index]) { index += 1 }
        }
        return numbers
    }
}
