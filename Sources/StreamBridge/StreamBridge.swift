import ArgumentParser
import NIOPosix
import NIOCore
import ServiceLifecycle
import Logging

@main
struct StreamBridge: ParsableCommand {
    func run() throws {}
}
