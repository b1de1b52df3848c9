package import BridgeCore

/// Reads the lines of a file, of a named pipe or of standard input, one message each; follows a file as `tail -F` does.
///
/// A rotated file is read to its end before the new one is begun, and on for a while, because its writer keeps it open; also when it was
/// rotated while the program was down and still lies in the same directory, as are those rotated after it. How far it has read (inode,
/// offset after the last whole line and a fingerprint of what stands before it) is kept once everything up to there is safe.
/// Reads block, so each source has a thread of its own while it runs.
package struct FileSource: Source {
    package static let kind: ComponentKind = "file"

    private let configuration: Configuration
    private let context: ComponentContext

    package init(configuration: Configuration, context: ComponentContext) throws {
        self.configuration = configuration
        self.context = context
    }

    package func run(_ outlet: SourceOutlet) async throws {
        let wakeup = try Wakeup()
        outlet.onChange { wakeup.signal() }
        defer { outlet.onChange(nil) }
        try await withTaskCancellationHandler {
            try await FileThread.run { [configuration, context] in
                var tail = FileTail(configuration: configuration, context: context, outlet: outlet, wakeup: wakeup)
                try tail.run()
            }
        } onCancel: {
            wakeup.cancel()
        }
    }
}
