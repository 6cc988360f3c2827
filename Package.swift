// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target: language mode 6 (complete concurrency checking), no warning tolerated.
/// Failpoints (named places where a test can stop or kill the process) exist in debug builds only.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .treatAllWarnings(as: .error),
  .define("TIDEGATE_FAILPOINTS", .when(configuration: .debug)),
  // The law of exclusivity is checked while compiling, and at run time in debug builds, which is where all tests run. The
  // remaining checks cost a call for each access to a property of a class, several in each event of a log.
  .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// A Swift target of the product; `path` is given where a folder groups several targets.
func module(_ name: String, path: String? = nil, _ dependencies: [Target.Dependency]) -> Target {
  .target(
    name: name, dependencies: dependencies, path: path ?? "Sources/\(name)", exclude: ["README.md"],
    swiftSettings: strict)
}

/// A system C library: a module map, found through pkg-config.
func systemLibrary(_ name: String, pkgConfig: String, apt: String) -> Target {
  .systemLibrary(name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["TestKit"], path: "Tests/\(name)", resources: resources,
    swiftSettings: strict)
}

let package = Package(
  name: "tidegate",
  products: [.executable(name: "tidegate", targets: ["tidegate"])],
  targets: [
    // C libraries, and thin shims where Swift cannot call them.
    systemLibrary("CMySQL", pkgConfig: "libmariadb", apt: "libmariadb-dev"),
    systemLibrary("CProtobufC", pkgConfig: "libprotobuf-c", apt: "libprotobuf-c-dev"),
    systemLibrary("CYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
    systemLibrary("CSQLite", pkgConfig: "sqlite3", apt: "libsqlite3-dev"),
    systemLibrary("COpenSSL", pkgConfig: "libcrypto", apt: "libssl-dev"),
    systemLibrary("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
    systemLibrary("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),
    systemLibrary("CDeflate", pkgConfig: "libdeflate", apt: "libdeflate-dev"),
    .target(name: "CMySQLShim", dependencies: ["CMySQL"], path: "Sources/C/CMySQLShim"),
    .target(name: "CPlatform", path: "Sources/C/CPlatform"),
    .target(name: "CWire", dependencies: ["CProtobufC"], path: "Sources/C/CWire"),

    // The product, from the bottom up.
    module("Model", []),
    module("Platform", ["CPlatform"]),
    module("Connector", ["Model", "Platform"]),
    module(
      "MySQLSource", path: "Sources/SourceConnectors/MySQLSource",
      ["Model", "Platform", "Connector", "CMySQL", "CMySQLShim", "CDeflate", "CZlib", "CZstd"]),
    module(
      "SQLiteSink", path: "Sources/SinkConnectors/SQLiteSink", ["Model", "Platform", "Connector", "CSQLite"]),
    module("ValuesSink", path: "Sources/SinkConnectors/ValuesSink", ["Model", "Platform", "Connector"]),
    module("BlackholeSink", path: "Sources/SinkConnectors/BlackholeSink", ["Model", "Platform", "Connector"]),
    module("Pipeline", ["Model", "Platform", "Connector", "CYAML"]),
    module("Wire", ["Model", "Platform", "CWire", "CProtobufC", "COpenSSL"]),
    module("Coordinator", ["Model", "Platform", "Connector", "Pipeline", "Wire", "CSQLite"]),
    module("Worker", ["Model", "Platform", "Connector", "Pipeline", "Wire"]),
    module("Terminal", ["Model", "Platform", "Connector", "Wire"]),
    .executableTarget(
      name: "tidegate",
      dependencies: [
        "Model", "Platform", "Connector", "Pipeline", "Wire", "Coordinator", "Worker", "MySQLSource", "SQLiteSink",
        "ValuesSink", "BlackholeSink", "Terminal",
      ],
      path: "Sources/tidegate", swiftSettings: strict),

    // Test support, and the tools that tests and benchmark share.
    .target(
      name: "TestKit", dependencies: ["Model", "Platform", "Connector", "CPlatform", "CMySQL", "CSQLite"],
      path: "Sources/TestKit/Kit", swiftSettings: strict),
    .executableTarget(
      name: "replica-check", dependencies: ["TestKit"], path: "Sources/TestKit/ReplicaCheck", swiftSettings: strict),

    .executableTarget(name: "bench-limits", dependencies: ["CMySQL"], path: "Sources/Bench/Limits"),
    .executableTarget(name: "bench", dependencies: ["Platform"], path: "Sources/Bench/Runner", swiftSettings: strict),

    tests("ModelTests", ["Model"]),
    tests("PlatformTests", ["Platform"]),
    tests("ConnectorTests", ["Connector", "Model"]),
    tests("PipelineTests", ["Pipeline", "Model", "Connector"]),
    tests("WireTests", ["Wire", "Model", "CWire"]),
    tests("MySQLSourceTests", ["MySQLSource", "Model", "Connector", "CMySQL", "CZlib", "CZstd"]),
    tests("SinkTests", ["SQLiteSink", "ValuesSink", "BlackholeSink", "Model", "Connector", "CSQLite"]),
    tests("CoordinatorTests", ["Coordinator", "Worker", "Model", "Connector", "Pipeline", "Wire", "CSQLite"]),
    tests("WorkerTests", ["Worker", "Model", "Connector", "Pipeline", "Wire"]),
    tests("TerminalTests", ["Terminal", "Model", "Platform", "Connector", "Wire"]),
    tests("EndToEndTests", ["Model", "Platform", "Wire", "CMySQL", "CSQLite", "tidegate", "replica-check"]),
  ]
)

// The fuzz program is there for `cluster/fuzz` alone, which builds everything with sanitizers.
if Context.environment["TIDEGATE_FUZZ"] != nil {
  package.targets += [
    .systemLibrary(name: "CFuzzer", path: "Sources/Fuzz/CFuzzer"),
    .executableTarget(
      name: "fuzz-mysql", dependencies: ["MySQLSource", "Model", "Connector", "CFuzzer"], path: "Sources/Fuzz/MySQL",
      swiftSettings: strict,
      // GNU's gold, the default, ends with an internal error on the sanitizers' objects.
      linkerSettings: [.unsafeFlags(["-use-ld=lld"])]),
  ]
}
