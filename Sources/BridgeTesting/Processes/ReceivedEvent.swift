import FoundationEssentials

/// The event JSON as a client of the program decodes it; absent members are `nil`.
package struct ReceivedEvent: Decodable, Equatable {
    /// The event's id.
    package var id: String
    /// The title; empty by default when the message has none.
    package var title: String?
    /// The message; may be empty.
    package var message: String
    /// 1 (least) to 5 (urgent).
    package var priority: Int?
    /// The tags in the order of the message.
    package var tags: [String]?
    /// The time in RFC 3339, UTC, with milliseconds.
    package var timestamp: String
    /// The payload, reduced to what tests compare.
    package var payload: Payload?

    /// The payload that tests publish; any other payload decodes without a number.
    package struct Payload: Decodable, Equatable {
        /// The member `number`; `nil` when it is absent or no integer.
        package var number: Int?

        /// Decodes any JSON value; never throws.
        package init(from decoder: any Decoder) {
            self.number = try? decoder.container(keyedBy: CodingKeys.self).decode(Int.self, forKey: .number)
        }

        private enum CodingKeys: CodingKey {
            case number
        }
    }

    /// Decodes one event from each text.
    ///
    /// - Throws: `DecodingError` for a text that is no event.
    package static func all(_ texts: [String]) throws -> [ReceivedEvent] {
        let decoder = JSONDecoder()
        return try texts.map { try decoder.decode(ReceivedEvent.self, from: Data($0.utf8)) }
    }
}
