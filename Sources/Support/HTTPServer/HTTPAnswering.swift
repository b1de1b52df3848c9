/// Who writes the answer that a ``HTTPResponder`` is given.
///
/// On its event loop.
protocol HTTPAnswering: AnyObject {
    /// Answers a request, unless it is answered already or its client has gone.
    ///
    /// - Parameter number: which request of the connection.
    func respond(_ response: HTTPResponse, to number: UInt64)
}
