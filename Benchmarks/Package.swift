// swift-tools-version:6.2
// A package of its own, so that nothing measured here ever weighs on Squall's users.
// Peers in Swift have packages of their own too (see Hummingbird/), so that Squall is measured without building SwiftNIO.
import PackageDescription

let package = Package(
    name: "squall-benchmarks",
    platforms: [.macOS("26.0")],
    dependencies: [
        .package(name: "squall", path: "..")
    ],
    targets: [
        .executableTarget(
            name: "HelloSquall",
            dependencies: [.product(name: "Squall", package: "squall")])
    ]
)
