import BridgeCore
import NIOCore
import YAML

/// Reads `tests:`, once sources and sinks are known.
struct TestReader {
    /// More steps of one test are refused.
    static let mostSteps = 10_000

    let decoding: SettingsDecoding
    let findings: Findings
    /// The file's name, for places.
    let file: String
    /// Reads a file with a body.
    let readFile: @Sendable (String) throws -> String
    let sources: [PreparedSource]
    let sinks: [PreparedSink]
    /// The names of all sources and sinks of the file, including those with mistakes.
    let sourceNames: [String]
    let sinkNames: [String]

    func tests(_ place: Located?) -> [FileTest] {
        guard let place, !place.isNull else { return [] }
        guard place.node.sequence != nil else {
            self.findings.error("must be a list of tests; begin each with '- name: '", at: place)
            return []
        }
        var names: Set<String> = []
        return place.items.enumerated().compactMap { index, place in
            guard let test = self.test(place, number: index + 1) else { return nil }
            if !names.insert(test.name).inserted {
                self.findings.error(
                    "the name '\(test.name)' is used twice; give each test its own", at: place.child("name") ?? place)
            }
            return test
        }
    }

    private func test(_ place: Located, number: Int) -> FileTest? {
        guard place.node.mapping != nil else {
            self.findings.error("must be a mapping with 'send' and 'expect'", at: place)
            return nil
        }
        self.findings.refuseUnknownKeys(of: place, known: TestDeclaration.all)
        let declaration = self.decoding.decode(place, group: TestDeclaration.self, refusesOthers: false)
        let start = declaration?.start ?? TestDeclaration.standardStart
        let steps = self.steps(place, start: start)
        let expectations = ExpectationReader(
            decoding: self.decoding, findings: self.findings, file: self.file, sinks: self.sinks, sinkNames: self.sinkNames
        ).expectations(place)
        guard let declaration else { return nil }
        return FileTest(
            name: declaration.name ?? "test \(number)", place: TestPlace(place, in: self.file), start: start, steps: steps,
            expectations: expectations)
    }

    // MARK: Messages

    private func steps(_ test: Located, start: Timestamp) -> [TestStep] {
        guard let send = test.child("send"), !send.items.isEmpty else {
            self.findings.error("'send' is missing; write the messages that arrive", at: test)
            return []
        }
        guard send.items.count <= Self.mostSteps else {
            self.findings.error("has \(send.items.count) messages; a test has at most \(Self.mostSteps)", at: send)
            return []
        }
        var time = start
        return send.items.compactMap { place in
            guard place.node.mapping != nil else {
                self.findings.error("must be a mapping with a 'source' and a 'body'", at: place)
                return nil
            }
            guard let declaration = self.decoding.decode(place, group: MessageDeclaration.self, refusesOthers: false) else {
                self.refuseUnknownKeys(of: place, place.child("source")?.text)
                return nil
            }
            if let after = declaration.after { time = Timestamp(milliseconds: time.milliseconds + after.milliseconds) }
            if let at = declaration.time {
                if at < time {
                    self.findings.error("is before \(time), the time of the message above", at: place.child("at") ?? place)
                }
                time = max(time, at)
            }
            let keys = Set(place.members.map(\.key))
            let message = keys.isSubset(of: ["after", "at"]) ? nil : self.message(place, declaration)
            return TestStep(place: TestPlace(place, in: self.file), time: time, message: message)
        }
    }

    private func refuseUnknownKeys(of place: Located, _ source: String?) {
        guard let name = source ?? self.onlySource, let source = self.sources.first(where: { $0.name == name }) else { return }
        self.findings.refuseUnknownKeys(
            of: place, known: MessageDeclaration.settings.declarations, source.registration.sample?.settings ?? [])
    }

    private var onlySource: String? { self.sourceNames.count == 1 ? self.sourceNames[0] : nil }

    /// Reads a message whose body is read already.
    func message(_ place: Located, body: SampleBody) -> TestMessage? {
        guard let declaration = self.decoding.decode(place, group: MessageDeclaration.self, refusesOthers: false),
            var message = self.message(place, declaration)
        else { return nil }
        message.body = body
        return message
    }

    private func message(_ place: Located, _ declaration: MessageDeclaration) -> TestMessage? {
        guard let name = declaration.source ?? self.onlySource else {
            self.findings.error("'source' is missing; there are \(self.sourceNames.sorted().joined(separator: ", "))", at: place)
            return nil
        }
        guard let index = self.sources.firstIndex(where: { $0.name == name }) else {
            if !self.sourceNames.contains(name) {
                self.findings.error(
                    "no source is called '\(name)'\(NearestName.hint(for: name, among: self.sourceNames))",
                    at: place.child("source") ?? place)
            }
            return nil
        }
        let registration = self.sources[index].registration
        self.refuseUnknownKeys(of: place, name)
        guard let sample = registration.sample else {
            self.findings.error("a source of the type \(registration.kind) has no messages for tests", at: place)
            return nil
        }
        guard let keys = self.decoding.decode(place, as: { try Keys($0, sample.decode) }),
            let body = self.body(place, declaration)
        else { return nil }
        return TestMessage(source: SourceIndex(index), sample: keys.sample, body: body)
    }

    /// The keys of a message beside its body.
    private struct Keys {
        let sample: any SettingGroup

        init(_ decoder: any Decoder, _ decode: (any Decoder) throws -> any SettingGroup) throws {
            self.sample = try decode(decoder)
        }
    }

    private func body(_ place: Located, _ declaration: MessageDeclaration) -> SampleBody? {
        if let bytes = declaration.base64 { return SampleBody(bytes: ByteBuffer(bytes: bytes)) }
        if let path = declaration.bodyFile {
            do {
                return SampleBody(bytes: ByteBuffer(string: try self.readFile(self.path(of: path))))
            } catch {
                self.findings.error("the file \(path) cannot be read: \(error)", at: place.child("body_file") ?? place)
                return nil
            }
        }
        guard let body = declaration.body else { return SampleBody() }
        if body.isStructure { return SampleBody(bytes: body.json, isStructure: true) }
        // A scalar is as it is written: `4`, `ON` and `true` are texts here.
        return SampleBody(bytes: ByteBuffer(string: place.child("body")?.text ?? ""))
    }

    /// A path from the folder of the tests.
    private func path(of path: String) -> String {
        guard !path.hasPrefix("/"), let slash = self.file.lastIndex(of: "/") else { return path }
        return String(self.file[...slash]) + path
    }
}

extension TestPlace {
    /// Where a node is; in the given file unless the node says otherwise.
    init(_ place: Located, in file: String) {
        self.init(file: place.node.mark?.source ?? file, line: place.node.mark?.line ?? 1)
    }
}
