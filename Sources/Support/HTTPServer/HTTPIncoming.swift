import NIOCore

/// A request whose body is being read.
struct HTTPIncoming {
    var intake: HTTPIntake
    /// The time limit for the whole body.
    let deadline: NIODeadline
    /// Announced bytes that have not arrived.
    private(set) var rest: Int

    init(intake: HTTPIntake, deadline: NIODeadline, rest: Int) {
        self.intake = intake
        self.deadline = deadline
        self.rest = rest
    }

    /// Adds a part of the body.
    ///
    /// - Returns: the refusal of the request, if it exceeds a limit.
    mutating func append(_ part: ByteBuffer) -> HTTPResponse? {
        self.rest -= part.readableBytes
        return self.intake.append(part)
    }
}
