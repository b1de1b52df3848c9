// swift-tools-version: 6.2
import PackageDescription

/// One line per adapter: the protocol's folder and what it needs beside the core.
let adapters: [Target] =
    adapter("File", ["CLinux", "PollThread", .posix, .deque])
    + adapter("MQTT", ["JSON", "Mosquitto", "PollThread"])
    + adapter("Redis", ["CHiredis", "JSON", .posix, .tls])
    + adapter("SMTP", ["Curl"])
    + adapter("SSE", ["Compression", "Curl", "HTTPServer", "JSON", .posix, .http1])
    + adapter("Webhook", ["Compression", "Curl", "HTTPServer", "JSON", .posix, .http1, .crypto])

/// Set by `deploy/run` and the image: the commit that `--version` prints.
let commit = (Context.environment["STREAMBRIDGE_COMMIT"] ?? "").filter { $0.isHexDigit || $0 == "+" }

/// Set by `deploy/fuzz`: our own targets are compiled with coverage and address checks, dependencies as ever, so they are not built again.
let isFuzzing = Context.environment["BRIDGE_FUZZ"] != nil

let fuzzed: [Target.Dependency] =
    [
        "Access", "BridgeConfiguration", "BridgeCore", "CJq", "Compression", "Curl", "Expressions", "HTTPServer", "JSON",
        "Mosquitto", "SQLiteLog", .nio, .embedded, .http1, .logging,
    ] + adapters.libraries

let package = Package(
    name: "streambridge",
    products: [
        .executable(name: "streambridge", targets: ["StreamBridge"]),
        .executable(name: "bridge-bench", targets: ["BridgeBenchmarks"]),
        .executable(name: "bridge-floor", targets: ["BridgeFloor"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .executableTarget(
            name: "StreamBridge",
            dependencies: [
                "Access", "BridgeCore", "BridgeConfiguration", "CBuild", "Compression", "Curl", "Expressions", "HTTPServer",
                "JSON", "Mosquitto", "PollThread", "ProcessMemory", "Rehearsal", "SQLiteLog",
                .logging, .nio,
                .posix,
                .http1, .signals,
            ]
                + adapters.libraries
                + [.product(name: "ArgumentParser", package: "swift-argument-parser")],
            // The static standard library asks for all symbols to be exported, which keeps unused code and slows the start.
            linkerSettings: [.unsafeFlags(["-Xlinker", "--no-export-dynamic"])]
        ),
        .target(
            name: "BridgeCore",
            dependencies: ["Compression", "JSON", "PollThread", .nio, .logging, .deque]
        ),
        .target(name: "SQLiteLog", dependencies: ["BridgeCore", "CSQLite", "JSON", .nio], path: "Sources/Logs/SQLite"),
        .target(name: "BridgeConfiguration", dependencies: ["BridgeCore", "YAML", .logging]),
        .target(
            name: "Rehearsal", dependencies: ["BridgeCore", "BridgeConfiguration", .nio, .posix, .logging]),
        .target(
            name: "Access",
            dependencies: [
                "BridgeCore", "BridgeConfiguration", "Curl", "HTTPServer", "JSON", .crypto, .jwt, .nio, .http1, .logging,
            ]
        ),
        .target(name: "Expressions", dependencies: ["BridgeCore", "CJq", "CSandbox", "PollThread", .nio]),

        .target(name: "PollThread", dependencies: ["CLinux"], path: "Sources/Support/PollThread"),
        .target(name: "ProcessMemory", dependencies: ["CLinux", "CSwiftRuntime"], path: "Sources/Support/ProcessMemory"),
        .target(
            name: "Curl", dependencies: ["CCurl", "CLinux", "Compression", "PollThread", .nio], path: "Sources/Support/Curl"),
        .target(name: "Compression", dependencies: ["CZlib", "CZstd", .nio], path: "Sources/Support/Compression"),
        .target(name: "JSON", dependencies: ["CSimdjson", .nio], path: "Sources/Support/JSON"),
        .target(
            name: "Mosquitto", dependencies: ["CMosquitto", "COpenSSL", "PollThread", .nio], path: "Sources/Support/Mosquitto"),
        .target(name: "YAML", dependencies: ["CYAML"], path: "Sources/Support/YAML"),
        .target(
            name: "HTTPServer",
            dependencies: [.nio, .posix, .http1, .http2, .hpack, .tls, .alpn, .logging],
            path: "Sources/Support/HTTPServer"
        ),

        .target(
            name: "CBuild", path: "Sources/C/CBuild", cSettings: [.define("STREAMBRIDGE_COMMIT", to: "\"\(commit)\"")]),
        .target(name: "CCurl", path: "Sources/C/CCurl", linkerSettings: [.linkedLibrary("dl")]),
        .systemLibrary(name: "CHiredis", path: "Sources/C/CHiredis"),
        .systemLibrary(name: "CJq", path: "Sources/C/CJq"),
        .systemLibrary(name: "CLinux", path: "Sources/C/CLinux"),
        .systemLibrary(name: "CMosquitto", path: "Sources/C/CMosquitto", pkgConfig: "libmosquitto"),
        .systemLibrary(name: "COpenSSL", path: "Sources/C/COpenSSL", pkgConfig: "openssl"),
        .systemLibrary(name: "CSQLite", path: "Sources/C/CSQLite"),
        .systemLibrary(name: "CYAML", path: "Sources/C/CYAML"),
        .systemLibrary(name: "CZlib", path: "Sources/C/CZlib"),
        .systemLibrary(name: "CZstd", path: "Sources/C/CZstd"),
        .target(
            name: "CSimdjson",
            path: "Sources/C/CSimdjson",
            linkerSettings: [.linkedLibrary("simdjson")]
        ),
        .systemLibrary(name: "CSwiftRuntime", path: "Sources/C/CSwiftRuntime"),
        .target(name: "CSandbox", path: "Sources/C/CSandbox"),
        .target(name: "CAllocationCount", path: "Sources/C/CAllocationCount"),

        .target(
            name: "BridgeTesting",
            dependencies: ["BridgeCore", "BridgeConfiguration", "PollThread", .nio, .posix, .http1, .logging]
        ),
        .executableTarget(
            name: "BridgeBenchmarks",
            dependencies: [
                "BridgeCore", "BridgeConfiguration", "Expressions", "CAllocationCount", "CJq", .nio, .posix, .logging,
            ]
                + adapters.libraries,
            resources: [.embedInCode("thresholds.txt")]
        ),
        .executableTarget(
            name: "BridgeFloor",
            linkerSettings: [.linkedLibrary("mosquitto"), .linkedLibrary("hiredis")]
        ),

        .testTarget(
            name: "BridgeCoreTests",
            dependencies: ["BridgeCore", "BridgeTesting", "Compression", "JSON", "PollThread", .nio, .logging],
            exclude: ["Normalising/Corpus"]
        ),
        .testTarget(
            name: "SQLiteLogTests", dependencies: ["BridgeCore", "BridgeTesting", "SQLiteLog", .nio, .logging],
            path: "Tests/Logs/SQLite"
        ),
        .testTarget(
            name: "BridgeConfigurationTests",
            dependencies: ["BridgeCore", "BridgeConfiguration", "BridgeTesting", .logging]
        ),
        // The program is a dependency so that it is built, and lies beside the tests: they use its worker.
        .testTarget(
            name: "RehearsalTests",
            dependencies: [
                "StreamBridge", "BridgeCore", "BridgeConfiguration", "BridgeTesting", "Expressions", "Rehearsal", .nio,
            ]),
        .testTarget(
            name: "ExpressionsTests", dependencies: ["StreamBridge", "BridgeCore", "BridgeTesting", "Expressions", .nio]),
        .testTarget(
            name: "SupportTests",
            dependencies: [
                "BridgeTesting", "Compression", "PollThread", "Curl", "JSON", "HTTPServer", "Mosquitto", "YAML", "CLinux",
                "CMosquitto", "COpenSSL", .nio, .posix, .http1, .tls, .logging,
            ]
        ),
        .testTarget(
            name: "ConformanceTests",
            dependencies: [
                "StreamBridge", "BridgeCore", "BridgeConfiguration", "BridgeTesting", "Expressions", "Curl", "HTTPServer", .nio,
                .posix, .http1,
                .logging,
            ]
                + adapters.libraries,
            exclude: ["Receivers"]
        ),
        .testTarget(
            name: "StreamBridgeTests",
            dependencies: ["StreamBridge", "BridgeCore", "BridgeConfiguration", "BridgeTesting", .nio]
        ),
        // The program is a dependency so that it is built, and lies beside the tests.
        .testTarget(name: "FaultTests", dependencies: ["StreamBridge", "BridgeTesting", .nio]),
        .testTarget(name: "AttackTests", dependencies: ["StreamBridge", "BridgeTesting", .nio]),
        isFuzzing
            ? .executableTarget(
                name: "BridgeFuzz", dependencies: fuzzed, path: "Tests/FuzzTests", exclude: ["FuzzTests.swift"],
                linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]
            )
            : .testTarget(name: "FuzzTests", dependencies: fuzzed + ["BridgeTesting"], exclude: ["Fuzzer.swift"]),
    ] + adapters,
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)

/// The library of one protocol and its unit tests: `Sources/Adapters/<name>` and `Tests/Adapters/<name>`.
func adapter(_ name: String, _ dependencies: [Target.Dependency]) -> [Target] {
    [
        .target(
            name: "\(name)Adapter",
            dependencies: ["BridgeCore", .nio, .logging] + dependencies,
            path: "Sources/Adapters/\(name)"
        ),
        .testTarget(
            name: "\(name)AdapterTests",
            dependencies: [.target(name: "\(name)Adapter"), "BridgeCore", "BridgeTesting", .nio, .logging]
                + dependencies,
            path: "Tests/Adapters/\(name)"
        ),
    ]
}

extension [Target] {
    /// The adapters without their tests, as the executable and the conformance tests want them.
    var libraries: [Target.Dependency] {
        self.filter { $0.type == .regular }.map { .target(name: $0.name) }
    }
}

extension Target.Dependency {
    static var nio: Self { .product(name: "NIOCore", package: "swift-nio") }
    static var posix: Self { .product(name: "NIOPosix", package: "swift-nio") }
    static var embedded: Self { .product(name: "NIOEmbedded", package: "swift-nio") }
    static var http1: Self { .product(name: "NIOHTTP1", package: "swift-nio") }
    static var http2: Self { .product(name: "NIOHTTP2", package: "swift-nio-http2") }
    static var hpack: Self { .product(name: "NIOHPACK", package: "swift-nio-http2") }
    static var alpn: Self { .product(name: "NIOTLS", package: "swift-nio") }
    static var tls: Self { .product(name: "NIOSSL", package: "swift-nio-ssl") }
    static var crypto: Self { .product(name: "Crypto", package: "swift-crypto") }
    static var logging: Self { .product(name: "Logging", package: "swift-log") }
    static var jwt: Self { .product(name: "JWTKit", package: "jwt-kit") }
    static var signals: Self { .product(name: "UnixSignals", package: "swift-service-lifecycle") }
    static var deque: Self { .product(name: "DequeModule", package: "swift-collections") }
}

for target in package.targets where target.type != .system {
    // The targets in C and C++ take no Swift settings.
    guard !["CAllocationCount", "CBuild", "CCurl", "CSandbox", "CSimdjson", "BridgeFloor"].contains(target.name) else { continue }
    target.swiftSettings = [
        .treatAllWarnings(as: .error),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ]
    // The tests run the debug build, which checks exclusive access to memory; the release build does without the checks.
    target.swiftSettings?.append(.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)))
    if isFuzzing { target.swiftSettings?.append(.unsafeFlags(["-sanitize=fuzzer,address", "-enable-testing"])) }
    // Peers that look at each byte cost the tests more than what they test.
    if target.name == "BridgeTesting" {
        target.swiftSettings?.append(.unsafeFlags(["-O"], .when(configuration: .debug)))
    }
}
