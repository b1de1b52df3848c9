import ArgumentParser
import BridgeCore
import Curl
import Expressions
import Glibc
import NIOCore

/// `streambridge tap [FILE]`.
struct TapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tap",
        abstract: "Show live events of the running program at a source, a route or a sink.",
        discussion: """
            It reads /api/tap at the address in the file, or at --url, with the access that metrics have. A program slows down for no tap: \
            one that cannot keep up misses events, which are counted. Standard error has the rates.

            Example: streambridge tap --source home --where '.priority >= 4'
            """
    )

    /// The form of the output.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case text, ndjson
    }

    @OptionGroup var address: AdminAddress

    @Option(help: "Show what this source accepts. (default: every source)")
    var source: String?

    @Option(help: "Show what this route takes, as it shapes it.")
    var route: String?

    @Option(help: "Show what this sink has sent.")
    var sink: String?

    @Option(name: .customLong("where"), help: "Show only events for which this jq expression is true, such as '.priority >= 4'.")
    var condition: String?

    @Option(help: "text, or ndjson: lines of JSON as the program sends them.")
    var format = Format.text

    @Option(help: "End after so many events.")
    var count: Int?

    func validate() throws {
        if [self.source, self.route, self.sink].compactMap({ $0 }).count > 1 {
            throw ValidationError("use one of --source, --route and --sink")
        }
        if let count, count < 1 { throw ValidationError("--count must be 1 or more") }
    }

    func run() async throws {
        let condition: (any Expression)?
        do {
            condition = try self.condition.map { try JQCompiler().compileCondition($0) }
        } catch {
            ConfigurationInput.complain("--where: \(error)")
            throw ExitCode(EX_USAGE)
        }
        let request = try self.address.request(self.path)
        let (isText, limit) = (self.format == .text, self.count)
        let failure: String? = await CurlMulti().result(of: request) { [condition] _, done in
            TapReceiver(TapPrinter(isText: isText, condition: condition, limit: limit), done: done)
        }
        guard let failure else { return }
        ConfigurationInput.complain("\(request.url): \(failure)")
        throw ExitCode.failure
    }

    private var path: String {
        let point = [("source", self.source), ("route", self.route), ("sink", self.sink)].compactMap { key, name in
            name.map { "\(key)=\($0.percentEncoded)" }
        }
        return TapEndpoint.path + (point.isEmpty ? "" : "?\(point[0])")
    }
}

extension String {
    /// As a value of a query (RFC 3986 §2.1).
    fileprivate var percentEncoded: String {
        self.utf8.reduce(into: "") { text, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += "%" + (digits.utf8.count < 2 ? "0" : "") + digits
            }
        }
    }
}

/// Receives the lines of a tap.
///
/// On the curl thread.
private final class TapReceiver: CurlReceiver {
    private let printer: TapPrinter
    private let done: (String?) -> Void
    private var refusal: CurlHead?
    private var isOpen = false
    private var isDone = false
    private var rest = ByteBuffer()

    init(_ printer: TapPrinter, done: @escaping (String?) -> Void) {
        self.printer = printer
        self.done = done
    }

    func received(_ head: CurlHead) -> CurlDemand {
        if head.status == 200 { self.isOpen = true } else { self.refusal = head }
        return .more
    }

    func received(_ bytes: UnsafeRawBufferPointer) -> CurlDemand {
        self.rest.writeBytes(bytes)
        // A refusal is one short text.
        guard self.refusal == nil else { return self.rest.readableBytes < 64 << 10 ? .more : .stop }
        while let end = self.rest.readableBytesView.firstIndex(of: 10) {
            guard let line = self.rest.readSlice(length: end - self.rest.readerIndex) else { break }
            self.rest.moveReaderIndex(forwardBy: 1)
            guard self.printer.print(line) else {
                self.isDone = true
                return .stop
            }
        }
        self.rest.discardReadBytes()
        return .more
    }

    func woken() -> CurlDemand { .more }

    func ended(_ result: Result<Void, CurlError>) {
        if self.isDone { return self.done(self.printer.failure) }
        if let refusal {
            let text = PlainValue(json: self.rest)?["error"]?.text ?? String(buffer: self.rest)
            return self.done("\(refusal.line)\(text.isEmpty ? "" : ": \(SafeText.sentence(text))")")
        }
        // Between two chunks an end is a failure for curl.
        switch result {
        case .failure(let error) where !self.isOpen: self.done(AdminAddress.reason(for: error))
        default: self.done("the program ended the tap")
        }
    }
}
