// swift-tools-version:6.2
// What the template programs in Swift have in common. A package of its own, so that the peers need no Squall to be built.
import PackageDescription

let package = Package(
    name: "template-timing",
    platforms: [.macOS("26.0")],
    products: [
        .library(name: "TemplateTiming", targets: ["TemplateTiming"])
    ],
    targets: [
        .target(name: "TemplateTiming")
    ]
)
