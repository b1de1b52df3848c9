import Synchronization

extension DeliveryLog {
    /// Who writes the log to the disk.
    struct Writer {
        /// Has it written soon, on a thread kept for that; does not block.
        var wake: @Sendable () -> Void
        /// Writes on this thread, for a source; false when it is left to the other thread, which must be woken.
        var tryWrite: @Sendable (_ source: SourceIndex) -> Bool
    }

    /// Sets who writes; `nil` for nobody.
    func attach(_ writer: Writer?) {
        self.writer.withLock { $0 = writer }
    }

    /// Has what a source appended written on its own thread, where nobody else writes at this moment.
    func write(for source: SourceIndex) {
        guard let writer = self.writer.withLock({ $0 }) else { return }
        if !writer.tryWrite(source) { writer.wake() }
    }

    func wakeWriter() {
        self.writer.withLock { $0 }?.wake()
    }
}
