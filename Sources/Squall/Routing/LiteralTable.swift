/// The literal segments of all nodes of a ``RouteIndex``, in one perfect hash table.
///
/// A key is a node and the bytes of a segment. Each key has a slot to itself: the hash picks a bucket, the bucket's
/// displacement turns the hash into a slot. So a lookup looks at one slot, however many routes there are, and whatever
/// the client sends.
struct LiteralTable: Sendable {
    struct Key {
        /// The node at which the segment is looked for.
        let parent: Int32
        /// Where the segment's bytes are in the pool.
        let bytes: Range<Int>
        /// The node to which it leads.
        let child: Int32
    }

    private struct Slot {
        var parent: Int32 = -1
        var start: Int32 = 0
        var count: Int32 = 0
        var child: Int32 = -1
    }

    private let seed: UInt64
    private let shift: UInt64
    private let displacements: [UInt32]
    private let slots: [Slot]
    private let pool: [UInt8]

    /// Builds the table. The keys have to differ from each other.
    init(_ keys: [Key], pool: [UInt8]) {
        var slotBits: UInt64 = 1
        while (1 << slotBits) < keys.count * 2 { slotBits += 1 }
        var seed: UInt64 = 0x9E37_79B9_7F4A_7C15
        var attempt = 0
        while true {
            if let (displacements, slots) = Self.place(keys, pool, seed, slotBits) {
                self.seed = seed
                self.shift = 64 - slotBits
                self.displacements = displacements
                self.slots = slots
                self.pool = pool
                return
            }
            // Another seed, and now and then more room. In practice the first attempt succeeds.
            attempt += 1
            seed = Self.mix(seed, UInt32(truncatingIfNeeded: attempt))
            if attempt % 4 == 0 { slotBits += 1 }
        }
    }

    private static func place(
        _ keys: [Key], _ pool: [UInt8], _ seed: UInt64, _ slotBits: UInt64
    ) -> (displacements: [UInt32], slots: [Slot])? {
        var slots = [Slot](repeating: Slot(), count: 1 << slotBits)
        var buckets = [[(hash: UInt64, key: Key)]](repeating: [], count: max(1, slots.count / 4))
        for key in keys {
            var hash = begin(seed, key.parent)
            for index in key.bytes { hash = add(pool[index], to: hash) }
            buckets[bucket(of: hash, count: buckets.count)].append((hash, key))
        }
        var displacements = [UInt32](repeating: 0, count: buckets.count)
        let order = buckets.indices.sorted { (buckets[$0].count, $1) > (buckets[$1].count, $0) }
        for bucket in order where !buckets[bucket].isEmpty {
            var placed = false
            for displacement in UInt32(0)..<4096 {
                let places = buckets[bucket].map { slot(of: $0.hash, displacement, shift: 64 - slotBits) }
                guard places.allSatisfy({ slots[$0].child < 0 }), Set(places).count == places.count else { continue }
                for (place, entry) in zip(places, buckets[bucket]) {
                    slots[place] = Slot(
                        parent: entry.key.parent, start: Int32(truncatingIfNeeded: entry.key.bytes.lowerBound),
                        count: Int32(truncatingIfNeeded: entry.key.bytes.count), child: entry.key.child)
                }
                displacements[bucket] = displacement
                placed = true
                break
            }
            guard placed else { return nil }
        }
        return (displacements, slots)
    }

    // MARK: Looking up

    /// The hash of a node and no bytes yet.
    @inline(__always)
    func begin(_ parent: Int) -> UInt64 {
        Self.begin(seed, Int32(truncatingIfNeeded: parent))
    }

    /// The hash with one more byte.
    @inline(__always)
    static func add(_ byte: UInt8, to hash: UInt64) -> UInt64 {
        (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }

    /// The node to which `path[segment]` leads from `parent`, or -1. The bytes are compared as they are.
    @inline(__always)
    func child(of parent: Int, _ path: Span<UInt8>, _ segment: Range<Int>, hash: UInt64) -> Int {
        let slot = slots[place(of: hash)]
        guard Int(slot.parent) == parent, Int(slot.count) == segment.count else { return -1 }
        var index = Int(slot.start)
        for position in segment {
            guard path[position] == pool[index] else { return -1 }
            index &+= 1
        }
        return Int(slot.child)
    }

    /// The node to which `path[segment]` leads from `parent` when it is decoded, or -1.
    func decodedChild(of parent: Int, _ path: Span<UInt8>, _ segment: Range<Int>) -> Int {
        var hash = begin(parent)
        var position = segment.lowerBound
        var count = 0
        while position < segment.upperBound {
            let (byte, length) = PercentEscapes.unit(in: path, at: position, limit: segment.upperBound)
            hash = Self.add(byte, to: hash)
            position += length
            count += 1
        }
        let slot = slots[place(of: hash)]
        guard Int(slot.parent) == parent, Int(slot.count) == count else { return -1 }
        position = segment.lowerBound
        var index = Int(slot.start)
        while position < segment.upperBound {
            let (byte, length) = PercentEscapes.unit(in: path, at: position, limit: segment.upperBound)
            guard byte == pool[index] else { return -1 }
            position += length
            index += 1
        }
        return Int(slot.child)
    }

    @inline(__always)
    private func place(of hash: UInt64) -> Int {
        Self.slot(of: hash, displacements[Self.bucket(of: hash, count: displacements.count)], shift: shift)
    }

    @inline(__always)
    private static func begin(_ seed: UInt64, _ parent: Int32) -> UInt64 {
        seed ^ (UInt64(UInt32(bitPattern: parent)) &* 0xFF51_AFD7_ED55_8CCD)
    }

    /// `count` is a power of two.
    @inline(__always)
    private static func bucket(of hash: UInt64, count: Int) -> Int {
        Int(truncatingIfNeeded: hash ^ (hash >> 32)) & (count &- 1)
    }

    @inline(__always)
    private static func slot(of hash: UInt64, _ displacement: UInt32, shift: UInt64) -> Int {
        Int(truncatingIfNeeded: mix(hash, displacement) >> shift)
    }

    @inline(__always)
    private static func mix(_ hash: UInt64, _ displacement: UInt32) -> UInt64 {
        var mixed = hash ^ (UInt64(displacement) &* 0x9E37_79B9_7F4A_7C15)
        mixed ^= mixed >> 32
        mixed = mixed &* 0xD6E8_FEB8_6659_FD93
        return mixed ^ (mixed >> 32)
    }
}
