import Glibc

/// The program that `deploy/fuzz` builds: one target under libFuzzer.
///
/// `bridge-fuzz list` names the targets, `bridge-fuzz seeds TARGET DIRECTORY` writes a target's seeds, inputs that once failed and the
/// dictionary `DIRECTORY.dict`, and `bridge-fuzz TARGET ARGUMENTS…` gives the arguments to libFuzzer.
@main
enum Fuzzer {
    /// Set once, before libFuzzer runs.
    private static nonisolated(unsafe) var target = FuzzTarget.all[0]

    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "list" {
            for target in FuzzTarget.all { print(target.name) }
            exit(0)
        }
        let name = arguments.first == "seeds" ? arguments.dropFirst().first : arguments.first
        guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
            Self.complain("no such target; 'list' names them")
            exit(64)
        }
        if arguments.first == "seeds", let directory = arguments.dropFirst(2).first { self.write(target, to: directory) }
        self.target = target
        // libFuzzer sees the program's name and what follows the target's.
        var pointers = [CommandLine.unsafeArgv[0]] + (2..<Int(CommandLine.argc)).map { CommandLine.unsafeArgv[$0] } + [nil]
        var count = CInt(pointers.count - 1)
        let status = pointers.withUnsafeMutableBufferPointer { buffer in
            var base = buffer.baseAddress!
            return runDriver(&count, &base) { bytes, count in Fuzzer.run(bytes, count) }
        }
        exit(status)
    }

    fileprivate static func run(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        do {
            try self.target.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
        } catch {
            self.complain("fuzz: \(error)")
            abort()
        }
        return 0
    }

    private static func complain(_ text: String) {
        var line = text + "\n"
        line.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private static func write(_ target: FuzzTarget, to directory: String) -> Never {
        for (index, seed) in (target.seeds + (FuzzRegressions.inputs[target.name] ?? [])).enumerated() {
            guard let file = fopen("\(directory)/seed-\(index)", "w") else { exit(1) }
            fwrite(seed, 1, seed.count, file)
            fclose(file)
        }
        guard let file = fopen("\(directory).dict", "w") else { exit(1) }
        for word in target.words {
            fputs("\"\(word.utf8.map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())\"\n", file)
        }
        fclose(file)
        exit(0)
    }
}

/// libFuzzer's entry for programs that have a `main` of their own.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ run: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The entry that libFuzzer's own `main`, which is linked too, refers to.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    Fuzzer.run(bytes, count)
}
