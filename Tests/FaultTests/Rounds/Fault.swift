/// What is done to the program and its peers while messages flow.
enum Fault: Hashable, Sendable, CustomStringConvertible {
    /// A side of the program.
    enum Side: String, CaseIterable, Sendable {
        case source
        case sink
    }

    /// SIGKILL; it is started again at once with the same file and state.
    case killBridge
    /// The peer of a side ends, by SIGKILL where it keeps all it has acknowledged, and is started again.
    case killPeer(Side)
    /// Every connection of a side is cut.
    case cut(Side)
    /// Each piece of a side's connections waits a while, for some time.
    case delay(Side)
    /// SIGSTOP, and SIGCONT some time later.
    case freezeBridge
    /// SIGSTOP of a side's peer, and SIGCONT some time later.
    case freezePeer(Side)
    /// The file system of the log has no room for some time.
    case fillDisk
    /// The wall clock of the program goes forward or back.
    case jumpClock

    /// Every kind, one of each side.
    static let all: [Fault] =
        [.killBridge, .freezeBridge, .fillDisk, .jumpClock]
        + Side.allCases.flatMap { [.killPeer($0), .cut($0), .delay($0), .freezePeer($0)] }

    var description: String {
        switch self {
        case .killBridge: "kill streambridge"
        case .killPeer(let side): "kill the \(side.rawValue)'s peer"
        case .cut(let side): "cut the \(side.rawValue)"
        case .delay(let side): "delay the \(side.rawValue)"
        case .freezeBridge: "freeze streambridge"
        case .freezePeer(let side): "freeze the \(side.rawValue)'s peer"
        case .fillDisk: "fill the disk"
        case .jumpClock: "jump the clock"
        }
    }
}
