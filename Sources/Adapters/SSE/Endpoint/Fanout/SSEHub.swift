import BridgeCore
import Compression
import HTTPServer
import NIOCore
import Synchronization

/// All streams of the program: the event count, the histories, and the subscribers in one shard per event loop.
///
/// Thread-safe. One publisher at a time delivers events on ``home``; a batch is rendered once per view and costs one
/// hop per other loop. All streams share the epoch and the count, so one id is a cursor in any number of them.
final class SSEHub: Sendable {
    /// The loop that publishes.
    let home: any EventLoop
    let epoch: String
    private let reservation: SSESequenceReservation
    private let state: Mutex<State>
    private let numbers = Atomic<UInt64>(0)
    /// Whether no further sequence numbers are assigned.
    private let isFinishedMark = Atomic<Bool>(false)
    /// Deliveries that other loops have not finished.
    private let outstanding = Atomic<Int>(0)
    private let waiting: NIOLoopBoundBox<[@Sendable () -> Void]>
    /// The shard of each event loop.
    let shards: [ObjectIdentifier: NIOLoopBoundBox<SSEShard>]
    private let renderer: NIOLoopBoundBox<Renderer>
    let revocations = SSERevocations()
    /// The stream of connects and disconnects; `nil` without `http.access`.
    let presence: SSEStream?

    /// - Parameters:
    ///   - presence: the figures of the presence stream.
    ///   - reservation: where the count began in an earlier run of the program.
    init(
        group: any EventLoopGroup, presence metrics: SSEMetrics? = nil,
        reservation: SSESequenceReservation = SSESequenceReservation()
    ) throws {
        let home = group.next()
        self.home = home
        self.epoch = reservation.epoch
        self.reservation = reservation
        self.state = Mutex(State(head: reservation.start))
        self.renderer = .makeBoxSendingValue(Renderer(), eventLoop: home)
        self.waiting = .makeBoxSendingValue([], eventLoop: home)
        var shards: [ObjectIdentifier: NIOLoopBoundBox<SSEShard>] = [:]
        for loop in group.makeIterator() {
            shards[ObjectIdentifier(loop)] = .makeBoxSendingValue(SSEShard(eventLoop: loop), eventLoop: loop)
        }
        self.shards = shards
        self.presence = try metrics.map { metrics in
            SSEStream(number: 0, settings: try Self.presenceSettings(), metrics: metrics)
        }
        if let presence {
            self.state.withLock { state in
                _ = state.nextStreamNumber()
                state.add(presence)
            }
        }
    }

    /// The shard of a loop that the caller is on.
    func shard(on loop: any EventLoop) -> SSEShard {
        guard let box = self.shards[ObjectIdentifier(loop)] else {
            preconditionFailure("the HTTP server runs on the loops of the group")
        }
        return box.value
    }

    /// The next number of a connection.
    func nextNumber() -> UInt64 { self.numbers.wrappingAdd(1, ordering: .relaxed).newValue }

    /// Calls `body` on every loop.
    func onEachShard(_ body: @escaping @Sendable (SSEShard) -> Void) {
        for box in self.shards.values {
            box.eventLoop.execute { body(box.value) }
        }
    }

    /// Calls `body` on every loop and collects the results.
    func collect<Value: Sendable>(_ body: @escaping @Sendable (SSEShard) -> Value) -> EventLoopFuture<[Value]> {
        EventLoopFuture.whenAllSucceed(
            self.shards.values.map { box in box.eventLoop.submit { body(box.value) } }, on: self.home)
    }

    // MARK: - Streams

    /// Makes the stream of a sink, which clients do not find yet.
    func makeStream(_ settings: SSESinkConfiguration, _ metrics: SSEMetrics) -> SSEStream {
        SSEStream(number: self.state.withLock { $0.nextStreamNumber() }, settings: settings, metrics: metrics)
    }

    /// Adds a stream.
    ///
    /// - Parameter old: the one that it replaces; if both have the same name, clients resume in the new one.
    func add(_ stream: SSEStream, succeeding old: SSEStream? = nil) {
        self.state.withLock { $0.add(stream, succeeding: old) }
        if let old, old.continues(as: stream) { stream.metrics.snapshotKeys.set(self.snapshotCount(of: stream)) }
    }

    /// Restores what a stream published in an earlier run of the program.
    ///
    /// - Parameter snapshot: the last event of each key as of then; `nil` for a stream without one.
    func restore(_ stream: SSEStream, _ batches: [SSEBatch], forgotten: UInt64, snapshot: SSESnapshot? = nil) {
        self.state.withLock {
            $0.streams[stream.number]?.history.restore(batches, forgotten: forgotten)
            guard let snapshot else { return }
            $0.streams[stream.number]?.snapshot = snapshot
            stream.metrics.snapshotKeys.set(snapshot.count)
        }
    }

    func remove(_ stream: SSEStream) {
        self.state.withLock { $0.remove(stream) }
    }

    /// Ends all subscribers of a stream, spread over a duration, and waits until they are gone, but not much longer
    /// than that.
    func close(_ stream: SSEStream, within span: Duration) async {
        let end = stream.beginClosing(on: self.home)
        self.onEachShard { shard in
            for group in shard.groups(of: stream) { group.close(within: span) }
        }
        let timer = self.home.scheduleTask(in: TimeAmount(span + .seconds(2))) { stream.finishClosing() }
        // The promise is never failed.
        try? await end.get()
        timer.cancel()
    }

    /// All streams except the presence stream.
    var allStreams: [SSEStream] {
        self.state.withLock { $0.order }.filter { $0 !== self.presence }
    }

    /// The streams that can have events of these names, in the order of the file.
    func streams(for names: [SubjectPattern]) -> [SSEStream] {
        let streams = self.state.withLock { $0.order }
        // Names come from clients. They are compared without the lock, and those of fixed streams by one look-up each.
        let set = SubjectSet(names)
        return streams.filter { stream in
            stream.isFixed ? set.contains(stream.prefix) : names.contains(where: stream.canHave)
        }
    }

    /// Ends the connections whose admission is no longer valid.
    ///
    /// - Parameter isRevoked: see ``HTTPGrant/authority``.
    func revoke(where isRevoked: @escaping @Sendable (UInt64) -> Bool) {
        self.revocations.follow(isRevoked)
        self.onEachShard { shard in
            for member in shard.members where member.lease.authority.map(isRevoked) == true { member.stop(.revoked) }
        }
    }

    // MARK: - Publishing

    /// Publishes events to a stream's history and subscribers, in order.
    ///
    /// On ``home``.
    ///
    /// - Parameters:
    ///   - events: not empty.
    ///   - labels: those of the events.
    /// - Returns: how the stream's snapshot has changed; `nil` for a stream without one.
    @discardableResult
    func publish(_ events: [Event], _ labels: SSELabels = SSELabels(), to stream: SSEStream) -> SSESnapshot.Changes? {
        self.home.assertInEventLoop()
        let (first, offset) = self.state.withLock { ($0.head + 1, $0.streams[stream.number]?.history.endOffset ?? 0) }
        let batch = SSEBatch(
            events, labels, stream: stream, first: first, offset: offset, time: Timestamp.now())
        let (views, changes) = self.state.withLock { ($0.append(batch), $0.updateSnapshot(batch, labels.marks)) }
        let undecided = views.filter(\.isDecidedLater)
        let rendered = self.renderer.value.rendered(of: batch, for: views)
        for box in self.shards.values {
            if box.eventLoop.inEventLoop {
                box.value.deliver(rendered, undecided: undecided, of: stream, through: batch.last)
            } else {
                self.outstanding.wrappingAdd(1, ordering: .relaxed)
                box.eventLoop.execute {
                    box.value.deliver(rendered, undecided: undecided, of: stream, through: batch.last)
                    if self.outstanding.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
                        self.home.execute { self.resumePublishers() }
                    }
                }
            }
        }
        if let changes { stream.metrics.snapshotChanged(changes) }
        return changes
    }

    /// Stops publishing, and stores the last assigned number in the log.
    ///
    /// Called after the last sink has stopped; only the presence stream could publish later.
    func finish() async {
        let last = self.home.submit {
            self.isFinishedMark.store(true, ordering: .relaxed)
            self.reservation.release(behind: self.head)
        }
        // Neither call throws.
        try? await last.get()
    }

    /// Whether publishing has stopped; on ``home``.
    var isFinished: Bool { self.isFinishedMark.load(ordering: .relaxed) }

    /// Calls `body` once every loop has delivered what was published.
    ///
    /// Publishers wait for that: events that arrive in the meantime become one batch, and no loop gets many small ones.
    /// On ``home``.
    ///
    /// - Returns: whether there is something to wait for; if not, nothing is called.
    func whenDelivered(_ body: @escaping @Sendable () -> Void) -> Bool {
        guard self.outstanding.load(ordering: .acquiring) > 0 else { return false }
        self.waiting.value.append(body)
        return true
    }

    /// Calls `body` once sequence numbers may be assigned; publishers wait for that.
    ///
    /// On ``home``; calls back there.
    ///
    /// - Returns: whether there is something to wait for; if not, nothing is called.
    func whenReserved(_ body: @escaping @Sendable () -> Void) -> Bool {
        self.reservation.whenReserved(behind: self.head) { self.home.execute(body) }
    }

    private func resumePublishers() {
        let bodies = self.waiting.value
        self.waiting.value = []
        for body in bodies { body() }
    }

    /// Renders batches on the home loop.
    private struct Renderer {
        private let reader = EventReader()
        private let compressor = SegmentCompressor()

        func rendered(of batch: SSEBatch, for views: [SSEView]) -> [SSERenderedBatch] {
            views.compactMap { view in
                guard !view.isDecidedLater else { return nil }
                let events = view.events(of: batch, after: 0, self.reader)
                guard let last = events.last else { return nil }
                defer { view.position.value = last.sequence }
                return SSERenderedBatch(
                    view: view, bytes: view.bytes(events, self.compressor), count: events.count, previous: view.position.value,
                    last: last.sequence
                )
            }
        }
    }

    // MARK: - Views

    /// The view of a selection, for one more member; end its use with ``leave(_:)``.
    func join(_ selection: SSESelection) -> SSEView {
        self.state.withLock { state in
            if let entry = state.views[selection] {
                state.views[selection]?.members += 1
                return entry.view
            }
            let streams = selection.streams.compactMap { state.streams[$0]?.stream }
            let view = SSEView(
                selection: selection, streams: streams, epoch: self.epoch,
                position: .makeBoxSendingValue(state.head, eventLoop: self.home)
            )
            state.views[selection] = State.Entry(view: view, members: 1)
            for stream in streams { state.streams[stream.number]?.add(view) }
            return view
        }
    }

    func leave(_ view: SSEView) {
        self.state.withLock { state in
            guard let entry = state.views[view.selection] else { return }
            if entry.members > 1 {
                state.views[view.selection]?.members -= 1
            } else {
                state.views[view.selection] = nil
                for stream in view.streams { state.streams[stream.number]?.remove(view) }
            }
        }
    }

    /// Views that have members.
    var views: Int { self.state.withLock { $0.views.count } }

    /// Decides where a new subscriber begins.
    ///
    /// Evaluates nothing: ``SSELatestSearch`` resolves ``SSEStart/count(_:)`` and passes the result here as
    /// ``SSEStart/position(_:)``.
    func resolve(_ start: SSEStart, _ view: SSEView, now: Timestamp) -> SSEResolution {
        self.state.withLock { state in
            state.forget(view, now)
            let rule = SSEResumeRule(
                histories: state.histories(of: view), snapshots: state.snapshots(of: view).map(\.snapshot.bytes),
                head: state.head, epoch: self.epoch)
            return rule.resolve(start)
        }
    }

    /// Reads after a sequence.
    ///
    /// - Parameters:
    ///   - knownLoss: the latest sequence whose loss is known to the reader.
    ///   - bytes: enough to stop at; at least one batch is read.
    func read(_ view: SSEView, after sequence: UInt64, knownLoss: UInt64, atMost bytes: Int) -> SSEBacklog {
        self.state.withLock { state in
            SSEBacklog(state.histories(of: view), head: state.head, after: sequence, knownLoss: knownLoss, atMost: UInt64(bytes))
        }
    }

    /// Reads the next events of a snapshot, in the order of their numbers.
    ///
    /// An event that a later one has replaced since the snapshot began is left out: the client gets the later one after the
    /// snapshot.
    ///
    /// - Parameters:
    ///   - position: how far the client has received the snapshot.
    ///   - bytes: enough to stop at; at least one event is read.
    /// - Returns: events of one stream; `nil` at the end of the snapshot.
    func readSnapshot(_ view: SSEView, _ position: SSESnapshotPosition, atMost bytes: Int) -> SSEBatch? {
        self.state.withLock { state in
            let found = state.snapshots(of: view).compactMap { stream, snapshot in
                snapshot.first(after: position.entry, through: position.head).map { (stream, snapshot, first: $0) }
            }
            guard let next = found.min(by: { $0.first < $1.first }) else { return nil }
            let end = found.map(\.first).filter { $0 > next.first }.min() ?? .max
            return next.1.batch(
                of: next.0, after: position.entry, through: position.head, before: end, atMost: bytes)
        }
    }

    /// The keys of a stream's snapshot.
    func snapshotCount(of stream: SSEStream) -> Int {
        self.state.withLock { $0.streams[stream.number]?.snapshot?.count ?? 0 }
    }

    /// The numbers of the events in a stream's snapshot.
    func snapshotSequences(of stream: SSEStream) -> [UInt64] {
        self.state.withLock { $0.streams[stream.number]?.snapshot?.sequences ?? [] }
    }

    /// Reads backwards from a sequence.
    ///
    /// - Parameters:
    ///   - sequence: the one before which to read; `nil` for the newest.
    ///   - bytes: enough to stop at; at least one batch is read where there is one.
    /// - Returns: batches, the newest first, and the last sequence that is out of the history of every stream of the
    ///   view.
    func readBack(_ view: SSEView, before sequence: UInt64?, atMost bytes: Int) -> (batches: [SSEBatch], oldest: UInt64) {
        self.state.withLock { state in
            if sequence == nil { state.forget(view, .now()) }
            return SSEBacklog.back(state.histories(of: view), head: state.head, before: sequence, atMost: UInt64(bytes))
        }
    }

    /// Bytes of the view's streams after a sequence.
    func lag(_ view: SSEView, after sequence: UInt64) -> UInt64 {
        self.state.withLock { state in state.histories(of: view).reduce(0) { $0 + $1.lag(after: sequence) } }
    }

    /// The gap in a view's streams, as of now.
    func gap(_ view: SSEView, _ requested: String, _ reason: SSEGap.Reason) -> SSEGap {
        self.state.withLock { state in
            state.forget(view, .now())
            return SSEGap(state.histories(of: view), epoch: self.epoch, requested, reason)
        }
    }

    /// The sequence of the latest event of all streams; 0 when there was none.
    var head: UInt64 { self.state.withLock { $0.head } }

    private struct State {
        struct Stream {
            let stream: SSEStream
            var history: SSEHistory
            /// The last event of each key; `nil` without `snapshot`.
            var snapshot: SSESnapshot?
            /// Views of plain names of a stream that has many, by the bytes of the name; a fixed one is in every view of it.
            private var named: [ExactText: [SSEView]] = [:]
            private var others: [SSEView] = []

            init(stream: SSEStream, history: SSEHistory) {
                self.stream = stream
                self.history = history
                self.snapshot = stream.settings.snapshot.map { SSESnapshot($0) }
            }

            /// Begins with what a stream of the same name has published.
            mutating func `continue`(_ old: Stream) {
                var batches: [SSEBatch] = []
                for batch in old.history.batches {
                    batches.append(batch.moved(to: self.stream, offset: batches.last?.endOffset ?? 0))
                }
                self.history.restore(batches, forgotten: old.history.forgotten)
                if let snapshot = old.snapshot, snapshot.limits.isSame(as: self.snapshot?.limits) { self.snapshot = snapshot }
            }

            mutating func add(_ view: SSEView) {
                guard let name = self.name(of: view) else {
                    self.others.append(view)
                    return
                }
                self.named[name, default: []].append(view)
            }

            mutating func remove(_ view: SSEView) {
                guard let name = self.name(of: view) else {
                    self.others.removeAll { $0 === view }
                    return
                }
                self.named[name]?.removeAll { $0 === view }
                if self.named[name]?.isEmpty == true { self.named[name] = nil }
            }

            /// The views that may have events of a batch.
            func views(for batch: SSEBatch) -> [SSEView] {
                guard !self.named.isEmpty else { return self.others }
                let names = Set(batch.events.indices.map { ExactText(batch.name(at: $0)) })
                return self.others + names.flatMap { self.named[$0] ?? [] }
            }

            private func name(of view: SSEView) -> ExactText? {
                guard !self.stream.isFixed, view.selection.names.count == 1, view.selection.names[0].syntax == .exact else {
                    return nil
                }
                return ExactText(view.selection.names[0].text)
            }
        }

        struct Entry {
            let view: SSEView
            var members: Int
        }

        var head: UInt64
        var streamCount = 0
        var streams: [Int: Stream] = [:]
        /// The streams in the order of their numbers, which is that of the file.
        private(set) var order: [SSEStream] = []
        var views: [SSESelection: Entry] = [:]

        init(head: UInt64) {
            self.head = head
        }

        mutating func nextStreamNumber() -> Int {
            self.streamCount += 1
            return self.streamCount - 1
        }

        mutating func add(_ stream: SSEStream, succeeding old: SSEStream? = nil) {
            var entry = Stream(
                stream: stream,
                history: SSEHistory(replay: stream.settings.replay, slowBytes: stream.settings.slowClient.bytes)
            )
            if let old, let known = self.streams.removeValue(forKey: old.number), old.continues(as: stream) {
                entry.continue(known)
            }
            self.streams[stream.number] = entry
            if let place = self.order.firstIndex(where: { $0 === old }) {
                self.order[place] = stream
            } else {
                self.order.append(stream)
            }
        }

        mutating func remove(_ stream: SSEStream) {
            self.streams[stream.number] = nil
            self.order.removeAll { $0 === stream }
        }

        mutating func append(_ batch: SSEBatch) -> [SSEView] {
            self.head = batch.last
            self.streams[batch.stream.number]?.history.append(batch)
            return self.streams[batch.stream.number]?.views(for: batch) ?? []
        }

        /// - Returns: `nil` for a stream without a snapshot.
        mutating func updateSnapshot(_ batch: SSEBatch, _ marks: [SSESnapshot.Mark]?) -> SSESnapshot.Changes? {
            guard let marks else { return nil }
            return self.streams[batch.stream.number]?.snapshot?.apply(batch, marks)
        }

        /// The streams of a view that have a snapshot.
        func snapshots(of view: SSEView) -> [(stream: SSEStream, snapshot: SSESnapshot)] {
            guard view.hasSnapshot else { return [] }
            return view.streams.compactMap { stream in
                self.streams[stream.number]?.snapshot.map { (stream, $0) }
            }
        }

        mutating func forget(_ view: SSEView, _ now: Timestamp) {
            for stream in view.streams { self.streams[stream.number]?.history.forget(now: now) }
        }

        func histories(of view: SSEView) -> [SSEHistory] {
            view.streams.compactMap { self.streams[$0.number]?.history }
        }
    }
}
