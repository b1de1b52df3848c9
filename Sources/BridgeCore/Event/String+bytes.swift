import Glibc

extension String {
    /// Whether both texts have the same UTF-8 bytes; `==` also accepts canonically equivalent texts.
    package func hasBytes(of other: String) -> Bool {
        var (own, other) = (self, other)
        return own.withUTF8 { own in
            other.withUTF8 { own.count == $0.count && (own.isEmpty || memcmp(own.baseAddress!, $0.baseAddress!, own.count) == 0) }
        }
    }

    /// Whether a byte occurs; several times faster than `utf8.contains`, which reads byte by byte.
    package func hasByte(_ byte: UInt8) -> Bool {
        var text = self
        return text.withUTF8 { !$0.isEmpty && memchr($0.baseAddress!, Int32(byte), $0.count) != nil }
    }
}
