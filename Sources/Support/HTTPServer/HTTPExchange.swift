/// What of a request over HTTP/1.x decides how its answer is written.
struct HTTPExchange {
    /// Which request of the connection, from 1 on; 0 where none was recognised.
    let number: UInt64
    var isKeptAlive: Bool
    let isHead: Bool
    let isHTTP10: Bool
    /// Header fields that the answer gets beside its own.
    var answerFields: [(name: String, value: String)] = []

    /// That of input in which no request was recognised.
    static let unrecognised = HTTPExchange(number: 0, isKeptAlive: false, isHead: false, isHTTP10: false)

    var framing: HTTPFraming { self.isHTTP10 ? .untilClose : .chunked }

    /// The same; the connection ends with its answer.
    var closing: HTTPExchange {
        var copy = self
        copy.isKeptAlive = false
        return copy
    }
}
