import FoundationEssentials

/// The model's JSON as a client of the program decodes it.
package struct ReceivedEvent: Decodable, Equatable {
    package var id: String
    package var title: String?
    package var message: String
    package var priority: Int?
    package var tags: [String]?
    package var timestamp: String
    package var payload: Payload?

    /// What the tests put in; anything else is taken as a payload without a number.
    package struct Payload: Decodable, Equatable {
        package var number: Int?

        package init(from decoder: any Decoder) {
            self.number = try? decoder.container(keyedBy: CodingKeys.self).decode(Int.self, forKey: .number)
        }

        private enum CodingKeys: CodingKey {
            case number
        }
    }

    /// Decodes one event of each text.
    package static func all(_ texts: [String]) throws -> [ReceivedEvent] {
        let decoder = JSONDecoder()
        return try texts.map { try decoder.decode(ReceivedEvent.self, from: Data($0.utf8)) }
    }
}
