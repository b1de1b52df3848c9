import BridgeTesting
import Testing

@testable import BridgeCore

struct OwedPlacesTests {
    @Test func `the oldest is known whatever comes and goes`() {
        var random = SeededGenerator(seed: 7)
        var places = OwedPlaces()
        var model: [UInt64] = []
        for _ in 0..<5000 {
            if model.isEmpty || random.next() % 5 < 3 {
                let place = random.next() % 50
                places.add(Position(place))
                model.append(place)
            } else {
                let place = model.remove(at: Int(random.next() % UInt64(model.count)))
                places.remove(Position(place))
            }
            #expect(places.first?.rawValue == model.min())
            #expect(places.contains(Position(25)) == model.contains(25))
        }
    }

    @Test func `what was never there takes nothing away`() {
        var places = OwedPlaces()
        places.add(Position(3))
        places.remove(Position(1))
        #expect(places.first == Position(3))
    }
}
