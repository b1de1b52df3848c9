package import BridgeCore

// Databases share the channels of their server; each database has its own streams.

extension RedisSource.Configuration {
    /// The channels, the patterns and the lists.
    package var readPlaces: [ReadPlace] {
        let server = self.redis.location.identity
        return self.channels.map { channel in
            ReadPlace(kind: "channel", server: server, shown: "the channel \(channel)", names: .one(channel))
        }
            + self.patterns.map { pattern in
                ReadPlace(
                    kind: "channel", server: server, shown: "the pattern \(pattern)", names: .init(pattern, syntax: .glob))
            }
            + self.lists.map { list in
                ReadPlace(kind: "list", server: self.redis.serverOfStreams, shown: "the list \(list)", names: .one(list))
            }
    }
}

extension RedisSink.Configuration {
    /// A constant channel; pub/sub carries nothing next to the body.
    package var writtenPlace: WrittenPlace? {
        guard let channel = self.channel.constant else { return nil }
        let (marks, content): (WrittenPlace.Marks, String) =
            if self.content.structure != nil {
                (.none, "json of its own")
            } else if let body = self.content.body {
                (body.isEvent ? .inBody : .none, "a body of its own")
            } else {
                self.content.format == .json ? (.inBody, "format: json") : (.none, "format: raw")
            }
        return WrittenPlace(
            setting: SettingKey("channel"), kind: "channel", server: self.redis.location.identity, name: channel, marks: marks,
            content: content, remedy: "publish to a channel that the source does not read, or write format: json"
        )
    }
}

extension RedisStreamSource.Configuration {
    /// The stream.
    package var readPlaces: [ReadPlace] {
        [
            ReadPlace(
                kind: "stream", server: self.redis.serverOfStreams, shown: "the stream \(self.stream)", readsMarks: true,
                names: .one(self.stream))
        ]
    }
}

extension RedisStreamSink.Configuration {
    /// A constant stream; without `fields`, an entry carries the origin of its event.
    package var writtenPlace: WrittenPlace? {
        guard let stream = self.stream.constant else { return nil }
        let marks: WrittenPlace.Marks =
            if let fields = self.fields {
                if fields.contains(where: { $0.name == Provenance.originAttribute }) {
                    .nextToBody
                } else {
                    fields.count == 1 && RedisStreamEntry.isBody(fields[0].name) && fields[0].value.isEvent ? .inBody : .none
                }
            } else {
                self.format == .json && self.structure == nil ? .inBody : .nextToBody
            }
        return WrittenPlace(
            setting: SettingKey("stream"), kind: "stream", server: self.redis.serverOfStreams, name: stream, marks: marks,
            content: "fields of its own",
            remedy: "append to a stream that the source does not read, or write format: json or raw instead of fields"
        )
    }
}

extension RedisSettings {
    /// The server and the database.
    fileprivate var serverOfStreams: String { "\(self.location.identity)/\(self.database)" }
}
