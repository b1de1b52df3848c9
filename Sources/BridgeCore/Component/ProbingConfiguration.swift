package import NIOCore

/// Settings whose peer can be tried without running the component, for `check --connect`.
///
/// An adapter conforms its settings where it has a peer, a file or a device. Settings without the conformance are listed as not probed.
package protocol ProbingConfiguration: ComponentConfiguration {
    /// What is tried, without secrets, such as `mqtts://broker:8883`.
    var probedAddress: String { get }

    /// Connects as the component does, and tries what the settings need, as far as that changes nothing at the peer.
    ///
    /// Nothing is published, created or acknowledged, no session remains, and a running program with these settings keeps its connections.
    ///
    /// - Returns: what was found, as half a sentence, such as `grants home/#`.
    /// - Throws: ``ComponentError`` with the words of the running component; `CancellationError` after a cancellation.
    func probe(_ context: ProbeContext) async throws -> String
}

/// What a probe may use.
package struct ProbeContext: Sendable {
    /// Where network connections run.
    package let group: any EventLoopGroup
    /// The services that the program shares between components.
    package let shared: SharedServices
    /// A limit for the probe's own waits.
    ///
    /// A little longer than the whole probe, whose cancellation is what the user is to read.
    package let timeout: Duration

    /// Makes a context.
    package init(group: any EventLoopGroup, shared: SharedServices, timeout: Duration) {
        self.group = group
        self.shared = shared
        self.timeout = timeout
    }
}
