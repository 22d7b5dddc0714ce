// swift-tools-version:6.2
// A package of its own, so that the servers are measured without building what compiles templates.
import PackageDescription

let package = Package(
    name: "squall-template-benchmark",
    platforms: [.macOS("26.0")],
    dependencies: [
        .package(name: "squall", path: "../.."),
        .package(path: "../TemplateTiming"),
    ],
    targets: [
        .executableTarget(
            name: "TemplatesSquall",
            dependencies: [
                .product(name: "Squall", package: "squall"),
                .product(name: "TemplateTiming", package: "TemplateTiming"),
            ],
            plugins: [.plugin(name: "SquallTemplates", package: "squall")])
    ]
)
