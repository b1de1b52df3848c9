import Compression

/// How a stream is compressed: each chunk once, as a segment or frame that can be decoded alone.
typealias SSECoding = ContentCoding
