import BridgeTesting
import Curl
import Glibc
import NIOCore
import Testing

/// Processes that run out of descriptors, each a separate child.
@Suite(.timeLimit(.minutes(1))) struct CurlDescriptorTests {
    @Test func `a transfer that finds no descriptor fails, and those that come later are woken at once`() async {
        await #expect(processExitsWith: .success) {
            let server = try await ScriptedHTTPServer { _, reply in reply.answer(200, [], "yes") }
            let taken = try takeAllDescriptors()
            let curl = CurlMulti()
            let error = await #expect(throws: CurlError.self) {
                try await curl.response(to: CurlRequest(server.url()), bodyLimit: 10)
            }
            #expect(error?.message == "no descriptor is left for HTTP transfers: Too many open files")
            for descriptor in taken { close(descriptor) }
            try await expectQuickAnswers(curl, server)
        }
    }

    @Test func `a library that finds no descriptor is loaded later`() async {
        await #expect(processExitsWith: .success) {
            let server = try await ScriptedHTTPServer { _, reply in reply.answer(200, [], "yes") }
            let curl = CurlMulti()
            let taken = try takeAllDescriptors()
            let error = await #expect(throws: CurlError.self) {
                try await curl.response(to: CurlRequest(server.url(), timeout: .seconds(5)), bodyLimit: 10)
            }
            #expect(error?.message.contains("libcurl cannot be loaded: ") == true)
            #expect(error?.message.contains("Too many open files") == true)
            for descriptor in taken { close(descriptor) }
            try await expectQuickAnswers(curl, server)
        }
    }

    @Test func `descriptors made at the start work while none are left`() async {
        await #expect(processExitsWith: .success) {
            let server = try await ScriptedHTTPServer { _, reply in reply.answer(200, [], "yes") }
            let curl = CurlMulti()
            try CurlMulti.load()
            let taken = try takeAllDescriptors()
            // The thread starts now, and libcurl finds no descriptor for anything.
            let error = await #expect(throws: CurlError.self) {
                try await curl.response(to: CurlRequest(server.url(), timeout: .seconds(5)), bodyLimit: 10)
            }
            #expect(error?.message.hasSuffix("; no descriptor is left for HTTP transfers: Too many open files") == true)
            for descriptor in taken { close(descriptor) }
            try await expectQuickAnswers(curl, server)
        }
    }
}

/// Transfers one after the other, each of which must wake the thread.
private func expectQuickAnswers(_ curl: CurlMulti, _ server: ScriptedHTTPServer) async throws {
    let began = ContinuousClock.now
    for _ in 0..<5 {
        let response = try await curl.response(to: CurlRequest(server.url()), bodyLimit: 10)
        #expect(String(buffer: response.body) == "yes")
    }
    // A thread that is not woken looks once a minute.
    #expect(began.duration(to: .now) < .seconds(20))
}

/// Opens files until the process has no descriptor left.
private func takeAllDescriptors() throws -> [Int32] {
    var limit = rlimit(rlim_cur: 256, rlim_max: 256)
    guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { throw PeerError.system("setrlimit") }
    var taken: [Int32] = []
    while case let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC), descriptor >= 0 { taken.append(descriptor) }
    guard errno == EMFILE else { throw PeerError.system("open") }
    return taken
}
