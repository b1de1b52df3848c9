import Glibc

extension String {
    /// Whether both texts have the same UTF-8 bytes; `==` also accepts canonically equivalent texts.
    package func hasBytes(of other: String) -> Bool {
        var (own, other) = (self, other)
        return own.withUTF8 { own in
            other.withUTF8 { own.count == $0.count && (own.isEmpty || memcmp(own.baseAddress!, $0.baseAddress!, own.count) == 0) }
        }
    }
}
