import BridgeTesting
import Glibc
import Testing

/// A browser without a window that shows one page.
enum Browser: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case chromium = "Chromium"
    case firefox = "Firefox"

    /// A name that Chromium takes for this machine but not for a safe origin, so that it does not offer zstd there.
    static let plainHost = "stream.test"

    var testDescription: String { self.rawValue }

    /// The URL of the streams of a port for a page that must get one coding; `nil` keeps the browser's own offer.
    func url(port: Int, path: String, coding: String? = nil) -> String {
        "http://\(self == .chromium && coding == "gzip" ? Self.plainHost : "127.0.0.1"):\(port)\(path)"
    }

    /// Shows a page while `body` runs.
    ///
    /// - Parameter coding: the only content coding to ask for, where that needs a setting of the browser.
    func show<Value>(_ page: StreamPage, coding: String? = nil, _ body: () async throws -> Value) async throws -> Value {
        let directory = try TemporaryDirectory()
        let process = try self.start(page.url, coding: coding, directory)
        let result: Result<Value, any Error>
        do {
            try await eventually(within: .seconds(60), "the page is shown; \(self.rawValue) says: \(process.standardError)") {
                if let ending = process.ended { throw PeerError("it ended with \(ending): \(process.standardError)") }
                return page.isShown
            }
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        process.signal(SIGTERM)
        _ = try await process.untilEnded()
        // Its helpers end by themselves, and write into the directory until then.
        try await eventually("nothing of \(self.rawValue) is left") { !Self.isUsed(directory) }
        return try result.get()
    }

    /// Whether a process names the directory in its arguments.
    private static func isUsed(_ directory: TemporaryDirectory) -> Bool {
        TemporaryDirectory.names(in: "/proc").contains { name in
            guard Int32(name) != nil else { return false }
            return String(decoding: TemporaryDirectory.contents(of: "/proc/\(name)/cmdline"), as: UTF8.self).contains(
                directory.path)
        }
    }

    private func start(_ url: String, coding: String?, _ directory: TemporaryDirectory) throws -> ChildProcess {
        // All that it writes goes with the directory.
        let environment = ["HOME": directory.path, "TMPDIR": directory.path]
        switch self {
        case .chromium:
            let arguments = [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--host-resolver-rules=MAP \(Self.plainHost) 127.0.0.1", "--user-data-dir=\(directory.path)", url,
            ]
            return try ChildProcess("chromium", arguments, environment: environment)
        case .firefox:
            let settings = """
                user_pref("app.update.enabled", false);
                user_pref("browser.aboutwelcome.enabled", false);
                user_pref("browser.shell.checkDefaultBrowser", false);
                user_pref("browser.startup.homepage_override.mstone", "ignore");
                user_pref("datareporting.policy.dataSubmissionEnabled", false);
                user_pref("network.captive-portal-service.enabled", false);
                user_pref("network.connectivity-service.enabled", false);
                user_pref("network.manage-offline-status", false);

                """
            let asked = coding.map { "user_pref(\"network.http.accept-encoding.secure\", \"\($0)\");\n" }
            try directory.write(settings + (asked ?? ""), to: "user.js")
            let arguments = ["--headless", "--no-remote", "--profile", directory.path, url]
            return try ChildProcess("firefox-esr", arguments, environment: environment)
        }
    }
}
