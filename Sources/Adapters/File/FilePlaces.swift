package import BridgeCore

extension FileSource.Configuration {
    /// The file that is followed; one that is read once ends at its end.
    package var readPlaces: [ReadPlace] {
        guard self.path != "-", self.follow else { return [] }
        return [ReadPlace(kind: "file", shown: "the file \(self.path)", names: .one(CanonicalPath.of(self.path)))]
    }
}

extension FileSink.Configuration {
    /// The file; a line carries nothing next to the body.
    package var writtenPlace: WrittenPlace? {
        guard self.destination.path != "-" else { return nil }
        let isEvent = self.body?.isEvent ?? (self.format == .json && self.structure == nil)
        let content = self.structure != nil ? "json of its own" : self.body != nil ? "a body of its own" : "format: raw"
        return WrittenPlace(
            setting: SettingKey("path"), kind: "file", name: CanonicalPath.of(self.destination.path),
            shown: self.destination.path,
            marks: isEvent ? .inBody : .none, content: content,
            remedy: "write to a file that the source does not read, or write format: json"
        )
    }
}
