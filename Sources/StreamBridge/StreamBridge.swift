import ArgumentParser
import NIOPosix
import NIOCore
import UnixSignals
import Logging

@main
struct StreamBridge: ParsableCommand {
    func run() throws {}
}
