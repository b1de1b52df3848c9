/// Writes the answer of an ``HTTPResponder``.
///
/// On its event loop.
protocol HTTPAnswering: AnyObject {
    /// Answers a request, unless it is answered already or its client has left.
    ///
    /// - Parameter number: the number of the request on its connection.
    func respond(_ response: HTTPResponse, to number: UInt64)
}
