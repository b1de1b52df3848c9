import ArgumentParser
import Dispatch
import Expressions
import Glibc

/// Where the process begins: as a worker for expressions, or as the command line says.
@main
private enum Program {
    static func main() {
        // Under systemd the library logs a line for each thread whose priority it may not raise, which changes nothing.
        setenv("LIBDISPATCH_LOG", "NO", 0)
        // Before anything starts a thread: a worker has one.
        if ExpressionWorker.isWanted { ExpressionWorker.run() }
        // Lasts as long as the process; `dispatchMain` runs the main actor.
        Task { @MainActor in
            await StreamBridge.main()
            exit(EXIT_SUCCESS)
        }
        dispatchMain()
    }
}
