package import BridgeCore

/// One entry of `tests:`: messages at sources, and what sinks are expected to get.
package struct FileTest: Sendable {
    /// Its name, `test N` by its place without one.
    package let name: String
    /// Where it begins.
    package let place: TestPlace
    /// The time at which it begins.
    package let start: Timestamp
    /// The messages and the moves of the clock, in order.
    package let steps: [TestStep]
    /// What is expected, for each sink that it names.
    package let expectations: [SinkExpectation]
}

/// A place in a file of tests.
package struct TestPlace: Sendable, Equatable, CustomStringConvertible {
    /// The file's name as the user gave it.
    package let file: String
    /// The line, from 1.
    package let line: Int

    /// `bridges.yaml:12`.
    package var description: String { "\(self.file):\(self.line)" }
}

/// One entry of `send:`.
package struct TestStep: Sendable {
    /// Where it begins.
    package let place: TestPlace
    /// When it happens.
    package let time: Timestamp
    /// The message; `nil` for a step that only moves the clock.
    package let message: TestMessage?
}

/// A message as a source receives it.
package struct TestMessage: Sendable {
    /// The source.
    package let source: SourceIndex
    /// What the protocol carries beside the body, of the type of the source's ``RehearsableSource/Sample``.
    package let sample: any SettingGroup
    /// The body.
    package internal(set) var body: SampleBody
}

/// What one sink is expected to get.
package struct SinkExpectation: Sendable {
    /// The sink.
    package let sink: SinkIndex
    /// Where it is written.
    package let place: TestPlace
    /// What it gets.
    package let content: Content

    /// What a sink gets.
    package enum Content: Sendable {
        /// These events, in this order, and no others.
        case events([ExpectedEvent])
        /// So many events.
        case count(Int)
    }
}

/// One event that a sink is expected to get; what it does not name may be anything.
package struct ExpectedEvent: Sendable {
    /// Where it is written.
    package let place: TestPlace
    /// The values that it names, in the order of the file.
    package let members: [Member]
    /// A filter that it must match.
    package let match: Matcher?

    /// A value that an event is expected to have.
    package struct Member: Sendable {
        /// Where it is written.
        package let place: TestPlace
        /// The key in the file, such as `title` or `.payload.battery`.
        package let name: String
        /// Where the value is.
        package let origin: Origin
        /// The expected value.
        package let value: PlainValue
    }

    /// Where a value is.
    package enum Origin: Sendable {
        /// In the event, as the route has shaped it.
        case event(EventPath)
        /// The route that chose the sink.
        case route
        /// What the sink sends.
        case sent
    }
}
