/// How far a client has received a snapshot.
struct SSESnapshotPosition: Equatable, Sendable {
    /// The number of the last event of all streams when the snapshot began; the client continues after it.
    let head: UInt64
    /// The number of the last event of the snapshot that the client has; 0 for none.
    var entry: UInt64 = 0
}
