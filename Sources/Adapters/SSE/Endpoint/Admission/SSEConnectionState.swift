import BridgeCore
import Compression
import HTTPServer

/// The state of one connection, for operators.
struct SSEConnectionState: Sendable {
    let number: UInt64
    let name: String?
    let address: String?
    /// The requested names and filters.
    let streams: [String]
    let since: Timestamp
    let format: SSEFormat
    let coding: SSECoding
    /// The subscriber's cursor.
    let cursor: SSECursor
    /// Bytes of its streams that have not been written to it.
    let behind: UInt64
    /// Bytes that are written and not yet taken by its socket.
    let queued: Int

    var json: String {
        let name = self.name?.jsonLiteral ?? "null"
        let address = self.address?.jsonLiteral ?? "null"
        let streams = self.streams.map(\.jsonLiteral).joined(separator: ",")
        return """
            {"number":\(self.number),"name":\(name),"address":\(address),"streams":[\(streams)],"since":"\(self.since)",\
            "type":"\(self.format.contentType)","coding":"\(self.coding.rawValue)","cursor":"\(self.cursor)",\
            "behind_bytes":\(self.behind),"queued_bytes":\(self.queued)}
            """
    }
}
