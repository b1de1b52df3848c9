import Compression

/// How a stream is compressed: each piece once, as a segment or frame that decodes by itself.
typealias SSECoding = ContentCoding
