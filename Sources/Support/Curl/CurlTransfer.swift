/// A transfer in flight, for its owner.
///
/// Thread-safe; both calls do nothing once the transfer is over.
package struct CurlTransfer: Sendable {
    let id: UInt64
    let mailbox: CurlMailbox

    /// Causes a call of ``CurlReceiver/woken()``.
    package func wake() {
        self.mailbox.post(.wake(self.id))
    }

    /// Ends the transfer soon, with ``CurlError/Code/cancelled``.
    package func cancel() {
        self.mailbox.post(.cancel(self.id))
    }
}
