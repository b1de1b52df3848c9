package import BridgeCore

/// Reads the lines of a file, a named pipe or standard input, one message each; follows a file as `tail -F` does.
///
/// A rotated file is read to its end, and for a while longer because its writer keeps it open, before the new one is
/// read. That includes a file that was rotated while the program was down, if it is still in the same directory, and
/// those rotated after it. The cursor is the inode, the offset after the last complete line and a fingerprint of the
/// bytes before it. It is stored once everything up to it is safe. Reads block, so each running source has its own
/// thread.
package struct FileSource: Source {
    /// `file`.
    package static let kind: ComponentKind = "file"

    private let configuration: Configuration
    private let context: ComponentContext

    /// Makes the source; opens nothing.
    package init(configuration: Configuration, context: ComponentContext) throws {
        self.configuration = configuration
        self.context = context
    }

    /// Reads lines on a new thread until the outlet stops.
    ///
    /// - Throws: ``ComponentError`` when the file cannot be read, `CancellationError` when the task is cancelled.
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
