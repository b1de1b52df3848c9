import Glibc

/// glibc's `regcomp` and related functions, looked up in libc by name.
///
/// A direct call could resolve to libonig's function: libonig, a dependency of libjq, exports functions of the same names with another
/// `regex_t`, and the dynamic linker takes the first.
enum GlibcRegex {
    static let compile: @convention(c) @Sendable (UnsafeMutablePointer<regex_t>, UnsafePointer<CChar>, Int32) -> Int32 =
        Self.function("regcomp")
    static let execute:
        @convention(c) @Sendable (
            UnsafePointer<regex_t>, UnsafePointer<CChar>, Int, UnsafeMutablePointer<regmatch_t>?, Int32
        ) -> Int32 = Self.function("regexec")
    static let describe: @convention(c) @Sendable (Int32, UnsafePointer<regex_t>, UnsafeMutablePointer<CChar>, Int) -> Int =
        Self.function("regerror")
    static let free: @convention(c) @Sendable (UnsafeMutablePointer<regex_t>) -> Void = Self.function("regfree")

    /// - Precondition: the process runs on glibc.
    private static func function<Function>(_ name: String) -> Function {
        guard let library = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), let address = dlsym(library, name) else {
            preconditionFailure("libc.so.6 has no \(name)")
        }
        return unsafeBitCast(address, to: Function.self)
    }
}
