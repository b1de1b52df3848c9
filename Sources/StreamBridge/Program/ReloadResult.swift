import BridgeConfiguration
import HTTPServer
import JSON
import NIOCore
import NIOHTTP1

/// What became of a reload.
enum ReloadResult: Sendable {
    /// The program runs with the file.
    case applied(PlanChanges)
    /// The program runs as before.
    case refused(ConfigurationInput.Refusal)

    /// The value of the label `result`.
    var label: String {
        switch self {
        case .applied: "applied"
        case .refused: "refused"
        }
    }

    /// The answer to a request: 200 with the lists of parts, or 422 with the mistakes.
    ///
    /// - Parameter file: the configuration file; only a mistake in another file names its file.
    func response(about file: String) -> HTTPResponse {
        var body = ByteBuffer()
        switch self {
        case .applied(let changes):
            body.writeString("{")
            for (index, (name, labels)) in changes.lists.enumerated() {
                body.writeString(index == 0 ? "\"\(name)\":[" : ",\"\(name)\":[")
                for (place, label) in labels.enumerated() {
                    if place > 0 { body.writeString(",") }
                    JSONWriter.write(label, to: &body)
                }
                body.writeString("]")
            }
            body.writeString("}")
            return .json(.ok, String(buffer: body))
        case .refused(let refusal):
            body.writeString("{\"errors\":[")
            for (index, diagnostic) in refusal.diagnostics.enumerated() {
                if index > 0 { body.writeString(",") }
                body.writeString("{")
                if diagnostic.file != file {
                    body.writeString("\"file\":")
                    JSONWriter.write(diagnostic.file, to: &body)
                    body.writeString(",")
                }
                body.writeString("\"line\":\(diagnostic.line),\"column\":\(diagnostic.column),\"message\":")
                JSONWriter.write(diagnostic.message, to: &body)
                if !diagnostic.path.isEmpty {
                    body.writeString(",\"setting\":")
                    JSONWriter.write(diagnostic.path, to: &body)
                }
                body.writeString("}")
            }
            for (index, message) in refusal.messages.enumerated() {
                body.writeString(index + refusal.diagnostics.count > 0 ? ",{\"message\":" : "{\"message\":")
                JSONWriter.write(message, to: &body)
                body.writeString("}")
            }
            body.writeString("]}")
            return .json(.unprocessableEntity, String(buffer: body))
        }
    }
}

extension PlanChanges {
    /// The lists in the order of the answer.
    var lists: [(name: String, labels: [String])] {
        [("added", self.added), ("changed", self.changed), ("removed", self.removed), ("kept", self.kept)]
    }
}
