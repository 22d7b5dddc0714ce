/// Compares the method tables of classes.
///
/// A class's metadata holds one pointer for each method, in the order of its base class, with those that it overrides
/// replaced. So a probe that overrides one method shows, by comparison with its base, where that method stands. Only words
/// within what the base class's metadata says of its own size are read.
package enum ClassTable {
    /// Whether `type` overrides what `probe` overrides. `plain` overrides nothing, and shows which words differ anyway.
    package static func overrides(
        _ type: AnyClass, sameAs probe: AnyClass, base: AnyClass, notAlso plain: AnyClass
    ) -> Bool {
        let base = words(base)
        let probe = words(probe)
        let plain = words(plain)
        let type = words(type)
        for index in base.indices where index < min(probe.count, plain.count, type.count) {
            // The first words are the class's own: kind, superclass, sizes, descriptor, destroyer.
            if probe[index] != base[index], plain[index] == base[index] { return type[index] != base[index] }
        }
        return false
    }

    #if _runtime(_ObjC)
    private static let sizeOffset = 56
    #else
    private static let sizeOffset = 32
    #endif

    private static func words(_ type: AnyClass) -> [UInt] {
        let metadata = unsafeBitCast(type, to: UnsafeRawPointer.self)
        // TargetClassMetadata: ClassSize and ClassAddressPoint, both 32 bits.
        let size = Int(metadata.load(fromByteOffset: sizeOffset, as: UInt32.self))
        let address = Int(metadata.load(fromByteOffset: sizeOffset + 4, as: UInt32.self))
        guard size > address, size - address < 1 << 16 else { return [] }
        return (0..<(size - address) / 8).map { metadata.load(fromByteOffset: $0 * 8, as: UInt.self) }
    }
}
