// swift-tools-version:6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "squall",
    platforms: [.macOS("26.0")],
    products: [
        .library(name: "Squall", targets: ["Squall"]),
        .library(name: "SquallHTTP", targets: ["SquallHTTP"]),
        .library(name: "SquallIO", targets: ["SquallIO"]),
        .library(name: "SquallTesting", targets: ["SquallTesting"]),
        .plugin(name: "SquallTemplates", targets: ["SquallTemplates"]),
        .executable(name: "squall-templates", targets: ["squall-templates"]),
        .executable(name: "freeze-lab", targets: ["FreezeLab"]),
        .executable(name: "templates-example", targets: ["TemplatesExample"]),
        .executable(name: "squall-conformance", targets: ["ConformanceServer"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .target(name: "CSquall"),
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
        .systemLibrary(
            name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"]), .brew(["xxhash"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .systemLibrary(
            name: "CBrotli", pkgConfig: "libbrotlienc", providers: [.apt(["libbrotli-dev"]), .brew(["brotli"])]),
        .target(
            name: "SquallIO",
            dependencies: ["CSquall", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings),
        .target(
            name: "SquallHTTP",
            dependencies: [.product(name: "HTTPTypes", package: "swift-http-types")],
            swiftSettings: settings),
        .target(name: "SquallTemplateCompiler", swiftSettings: settings),
        .executableTarget(
            name: "squall-templates", dependencies: ["SquallTemplateCompiler"], path: "Sources/TemplateTool",
            swiftSettings: settings),
        .plugin(name: "SquallTemplates", capability: .buildTool(), dependencies: ["squall-templates"]),
        .target(
            name: "Squall",
            dependencies: [
                "SquallTemplateCompiler", "CBrotli", "COpenSSL", "CXXHash", "CZlib", "SquallIO", "SquallHTTP",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .target(
            name: "SquallTesting",
            dependencies: [
                "Squall", "SquallIO", "SquallHTTP",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "FreezeLab",
            dependencies: ["Squall", "SquallIO"],
            path: "Examples/FreezeLab",
            resources: [.embedInCode("Public")],
            swiftSettings: settings,
            plugins: ["SquallTemplates"]),
        .executableTarget(
            name: "TemplatesExample",
            dependencies: ["Squall", .product(name: "Logging", package: "swift-log")],
            path: "Examples/Templates",
            resources: [.copy("Public")],
            swiftSettings: settings, plugins: ["SquallTemplates"]),
        .executableTarget(
            name: "ConformanceServer",
            dependencies: ["Squall", "COpenSSL", .product(name: "HTTPTypes", package: "swift-http-types")],
            path: "Tests/ConformanceServer",
            exclude: ["Static"],
            swiftSettings: settings),
        .executableTarget(
            name: "StallProbes", dependencies: ["SquallIO"], path: "Tests/StallProbes", swiftSettings: settings),
        .target(name: "ThreadSanitizerSupport", path: "Tests/ThreadSanitizer"),
        .testTarget(
            name: "SquallIOTests",
            dependencies: ["SquallIO", "ThreadSanitizerSupport", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings),
        .testTarget(
            name: "SquallHTTPTests", dependencies: ["SquallHTTP"], swiftSettings: settings),
        .testTarget(
            name: "SquallTests",
            dependencies: [
                "Squall", "SquallIO", "SquallTesting", "ConformanceServer", "CBrotli", "COpenSSL", "CZlib",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "SquallTemplateTests",
            dependencies: [
                "Squall", "SquallTesting", "SquallTemplateCompiler", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings, plugins: ["SquallTemplates"]),
        .testTarget(
            name: "TemplatesExampleTests",
            dependencies: [
                "TemplatesExample", "Squall", "SquallTesting",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "SquallTestingTests",
            dependencies: [
                "Squall", "SquallIO", "SquallTesting",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
    ]
)
