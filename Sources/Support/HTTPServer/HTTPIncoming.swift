import NIOCore

/// A request whose body is being read.
struct HTTPIncoming {
    var intake: HTTPIntake
    /// When the whole body must be there.
    let deadline: NIODeadline
    /// Announced bytes that have not come yet.
    private(set) var rest: Int

    init(intake: HTTPIntake, deadline: NIODeadline, rest: Int) {
        self.intake = intake
        self.deadline = deadline
        self.rest = rest
    }

    /// Takes a part of the body.
    ///
    /// - Returns: why the request cannot be taken any longer.
    mutating func append(_ part: ByteBuffer) -> HTTPResponse? {
        self.rest -= part.readableBytes
        return self.intake.append(part)
    }
}
