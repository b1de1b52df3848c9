import Testing

@testable import BridgeCore

struct MediaTypeTests {
    @Test(arguments: [
        "application/json", "Application/JSON", "application/json; charset=utf-8", " application/json ;charset=utf-8",
        "application/cloudevents+json", "application/problem+JSON; profile=x",
    ])
    func `a type of JSON is known in any case and with parameters`(type: String) {
        #expect(MediaType.isJSON(type))
    }

    @Test(arguments: [
        "", "text/plain", "application/jsonp", "application/x-ndjson", "text/plain; note=application/json", "image/svg+xml",
        "application/json+zip",
    ])
    func `a value of another type is ignored`(type: String) {
        #expect(!MediaType.isJSON(type))
    }
}
