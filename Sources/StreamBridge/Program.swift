import ArgumentParser
import Expressions
import Glibc
import ProcessMemory

/// The entry point of the process: an expression worker, or the command line.
@main
private enum Program {
    static func main() async {
        // Under systemd the library logs a line for each thread whose priority it may not raise, which changes nothing.
        setenv("LIBDISPATCH_LOG", "NO", 0)
        ExclusiveAccess.endChecks()
        // Before the first wait, which would start a thread: a worker has one.
        if ExpressionWorker.isWanted { ExpressionWorker.run() }
        LargeBlocks.returnWhenFreed()
        if let mistake = StreamBridge.mistake(in: CommandLine.arguments.dropFirst()) {
            ConfigurationInput.complain("Error: \(mistake)")
            exit(EX_USAGE)
        }
        await StreamBridge.main()
    }
}
