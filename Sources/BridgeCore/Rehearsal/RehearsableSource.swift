package import NIOCore

/// A source that reads messages which a person has written, such as those of a test.
package protocol RehearsableSource: Source {
    /// The keys of a message beside its body: what the protocol carries with it.
    associatedtype Sample: SettingGroup

    /// Makes what reads messages in the way of ``Source/run(_:)``.
    ///
    /// Must do no I/O. Credentials and signatures are not checked, because a test has none; the notes say so.
    ///
    /// - Parameter opening: what `normalise` does with bodies before they are read.
    static func reading(
        configuration: Configuration, context: ComponentContext, opening: NormaliseSettings.Opening
    ) throws -> SampleReading<Sample>
}

/// Reads messages in order, with what the source remembers of earlier ones.
///
/// Not thread-safe.
package struct SampleReading<Sample> {
    /// Reads one message.
    ///
    /// Throws ``SampleRefusal`` for one that does not arrive at the source.
    package let receive: (Sample, SampleBody) throws -> SampleReception

    /// Makes a reading.
    package init(receive: @escaping (Sample, SampleBody) throws -> SampleReception) {
        self.receive = receive
    }
}

/// The body of a message that a person has written.
package struct SampleBody: Sendable {
    /// The bytes; empty without a body.
    package var bytes: ByteBuffer
    /// Whether it is written as a mapping or a list, and so is JSON.
    package var isStructure: Bool

    /// Makes a body; by default of bytes that are as they are.
    package init(bytes: ByteBuffer = ByteBuffer(), isStructure: Bool = false) {
        self.bytes = bytes
        self.isStructure = isStructure
    }
}

/// What a source makes of a message.
package struct SampleReception: Sendable {
    /// The messages; several of a body with several items, none of one that the source ignores.
    package let messages: [ReceivedMessage]
    /// What the source does or leaves out, one sentence without a final stop each.
    package let notes: [String]

    /// Makes the result.
    package init(_ messages: [ReceivedMessage], notes: [String] = []) {
        self.messages = messages
        self.notes = notes
    }
}

/// Why a message does not arrive at a source.
package struct SampleRefusal: Error, CustomStringConvertible {
    /// One sentence without a final stop: the reason, and the remedy where there is one.
    package let reason: String

    /// Makes a refusal.
    package init(_ reason: String) {
        self.reason = reason
    }

    /// The reason.
    package var description: String { self.reason }
}

/// How messages of one kind of source are written; made once per kind.
package struct SampleRegistration: Sendable {
    /// Declares the keys of a message beside its body.
    let declareSettings: @Sendable () -> [SettingDeclaration]
    /// Decodes the keys of a message, which has others too.
    package let decode: @Sendable (any Decoder) throws -> any SettingGroup
    /// Makes what reads messages; traps for settings and messages of another kind.
    package let reading:
        @Sendable (any ComponentConfiguration, ComponentContext, NormaliseSettings.Opening) throws -> SampleReading<
            any SettingGroup
        >

    /// The keys of a message beside its body.
    package var settings: [SettingDeclaration] { self.declareSettings() }

    init<S: RehearsableSource>(_ source: S.Type) {
        self.declareSettings = { S.Sample.settings.declarations }
        self.decode = { try S.Sample(settings: $0, refusesOthers: false) }
        self.reading = { settings, context, opening in
            guard let settings = settings as? S.Configuration else {
                preconditionFailure("the settings of \(S.kind) were decoded as \(type(of: settings))")
            }
            let reading = try S.reading(configuration: settings, context: context, opening: opening)
            return SampleReading { sample, body in
                guard let sample = sample as? S.Sample else {
                    preconditionFailure("a message of \(S.kind) was decoded as \(type(of: sample))")
                }
                return try reading.receive(sample, body)
            }
        }
    }
}
