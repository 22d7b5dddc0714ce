// swift-tools-version:6.2
// The template engines in Swift that Squall's is measured beside, where they weigh on none of Squall's users.
import PackageDescription

let package = Package(
    name: "template-peers",
    platforms: [.macOS("26.0")],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/stencilproject/Stencil", from: "0.15.1"),
        .package(path: "../TemplateTiming"),
    ],
    targets: [
        .executableTarget(
            name: "TemplatesMustache",
            dependencies: [
                .product(name: "Mustache", package: "swift-mustache"),
                .product(name: "TemplateTiming", package: "TemplateTiming"),
            ]),
        .executableTarget(
            name: "TemplatesStencil",
            dependencies: [
                .product(name: "Stencil", package: "Stencil"),
                .product(name: "TemplateTiming", package: "TemplateTiming"),
            ]),
    ]
)
