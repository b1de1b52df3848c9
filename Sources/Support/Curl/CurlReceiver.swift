/// Receives the response of one transfer.
///
/// Made on the thread of ``CurlMulti`` and called only there, so it needs no lock; it must not block, for all transfers share that
/// thread.
package protocol CurlReceiver: AnyObject {
    /// Status and headers of the final response; those of interim responses and followed redirects are not passed on.
    func received(_ head: CurlHead) -> CurlDemand

    /// The next bytes of the body, decoded, 1 byte to 16 KiB, valid during the call only.
    func received(_ bytes: UnsafeRawBufferPointer) -> CurlDemand

    /// Called after ``CurlTransfer/wake()``.
    ///
    /// The answer replaces the previous one: `more` ends a pause.
    func woken() -> CurlDemand

    /// The transfer is over; nothing is called after it.
    func ended(_ result: Result<Void, CurlError>)
}

/// Whether a receiver accepts more data.
package enum CurlDemand: Sendable {
    case more
    /// The delivered data is consumed; deliver nothing more until ``CurlReceiver/woken()`` returns `more`.
    ///
    /// The idle timeout is suspended meanwhile.
    case pause
    /// End the transfer with ``CurlError/Code/stopped``.
    case stop
}
