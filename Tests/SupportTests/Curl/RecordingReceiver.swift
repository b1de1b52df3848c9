import Curl
import NIOCore
import Synchronization

/// Records, in order, what a transfer reports to its receiver.
final class RecordingReceiver: CurlReceiver {
    enum Happening: Sendable {
        case head(CurlHead)
        case bytes(ByteBuffer)
        case woken
        case ended(CurlError?)
    }

    /// What the receiver shall answer; a test changes it while the transfer runs.
    final class Wish: Sendable {
        private let demand: Mutex<CurlDemand>

        init(_ demand: CurlDemand) {
            self.demand = Mutex(demand)
        }

        var now: CurlDemand {
            get { self.demand.withLock { $0 } }
            set { self.demand.withLock { $0 = newValue } }
        }
    }

    private let wish: Wish
    private let happenings: AsyncStream<Happening>.Continuation

    init(wish: Wish, happenings: AsyncStream<Happening>.Continuation) {
        self.wish = wish
        self.happenings = happenings
    }

    func received(_ head: CurlHead) -> CurlDemand {
        self.happenings.yield(.head(head))
        return self.wish.now
    }

    func received(_ bytes: UnsafeRawBufferPointer) -> CurlDemand {
        self.happenings.yield(.bytes(ByteBuffer(bytes: bytes)))
        return self.wish.now
    }

    func woken() -> CurlDemand {
        self.happenings.yield(.woken)
        return self.wish.now
    }

    func ended(_ result: Result<Void, CurlError>) {
        if case .failure(let error) = result {
            self.happenings.yield(.ended(error))
        } else {
            self.happenings.yield(.ended(nil))
        }
        self.happenings.finish()
    }
}

/// A transfer and its receiver, for tests.
struct RecordedTransfer {
    let transfer: CurlTransfer
    let wish: RecordingReceiver.Wish
    private var happenings: AsyncStream<RecordingReceiver.Happening>.Iterator

    init(_ curl: CurlMulti, _ request: CurlRequest, answering demand: CurlDemand = .more) {
        let (stream, continuation) = AsyncStream.makeStream(of: RecordingReceiver.Happening.self)
        let wish = RecordingReceiver.Wish(demand)
        self.wish = wish
        self.transfer = curl.transfer()
        curl.start(self.transfer, request) { RecordingReceiver(wish: wish, happenings: continuation) }
        self.happenings = stream.makeAsyncIterator()
    }

    mutating func next() async -> RecordingReceiver.Happening? {
        await self.happenings.next(isolation: #isolation)
    }

    /// The head, which must come next.
    mutating func head() async -> CurlHead? {
        if case .head(let head)? = await self.next() { head } else { nil }
    }

    /// The next bytes, as text.
    mutating func text() async -> String? {
        if case .bytes(let bytes)? = await self.next() { String(buffer: bytes) } else { nil }
    }

    /// All bytes until the end, and how it ended.
    mutating func rest() async -> (bytes: ByteBuffer, error: CurlError?) {
        var all = ByteBuffer()
        while let happening = await self.next() {
            switch happening {
            case .bytes(var bytes): all.writeBuffer(&bytes)
            case .ended(let error): return (all, error)
            case .head, .woken: continue
            }
        }
        return (all, nil)
    }
}
