import Glibc

extension String {
    /// Whether both are the same UTF-8: to `==` texts are equal too that only look alike (Unicode canonical equivalence).
    package func hasBytes(of other: String) -> Bool {
        var (own, other) = (self, other)
        return own.withUTF8 { own in
            other.withUTF8 { own.count == $0.count && (own.isEmpty || memcmp(own.baseAddress!, $0.baseAddress!, own.count) == 0) }
        }
    }
}
