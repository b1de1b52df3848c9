/// The properties of an HTTP/1.x request that determine how its answer is written.
struct HTTPExchange {
    /// The number of the request on its connection, from 1; 0 where none was recognised.
    let number: UInt64
    var isKeptAlive: Bool
    let isHead: Bool
    let isHTTP10: Bool
    /// Additional header fields of the answer.
    var answerFields: [(name: String, value: String)] = []

    /// For input without a recognised request.
    static let unrecognised = HTTPExchange(number: 0, isKeptAlive: false, isHead: false, isHTTP10: false)

    var framing: HTTPFraming { self.isHTTP10 ? .untilClose : .chunked }

    /// The same, with the connection ending after its answer.
    var closing: HTTPExchange {
        var copy = self
        copy.isKeptAlive = false
        return copy
    }
}
