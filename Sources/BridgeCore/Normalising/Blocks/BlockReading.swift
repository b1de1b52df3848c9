/// What reads the messages of one block of `normalise`.
struct BlockReading {
    /// What messages call the block; `nil` where a source has only one, and for automatic reading.
    var name: String?
    /// `nil` for automatic reading.
    var mapping: SourceMapping?
    /// `nil` where bodies are read as they are.
    var unpacker: MessageUnpacker?

    /// What reads the messages of each block; of several blocks, automatic reading is the last.
    static func all(of blocks: NormaliseBlocks) -> [BlockReading] {
        let isMixed = !blocks.isSingle && blocks.opening == .divides
        let readings = blocks.list.map { block in
            BlockReading(
                name: block.name, mapping: SourceMapping(block.reading),
                unpacker: MessageUnpacker(block.reading, decodesOriginal: isMixed))
        }
        return blocks.isSingle ? readings : readings + [BlockReading()]
    }
}
