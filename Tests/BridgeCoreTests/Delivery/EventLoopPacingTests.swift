import NIOCore
import Testing

@testable import BridgeCore

/// When work on an event loop pauses for the sockets.
struct EventLoopPacingTests {
    private static func at(_ microseconds: Int64) -> NIODeadline {
        NIODeadline.uptimeNanoseconds(1_000_000_000) + TimeAmount.microseconds(microseconds)
    }

    @Test func `work goes on at once for a slice, and pauses after it`() {
        var pacing = EventLoopPacing()
        pacing.began(Self.at(0))
        #expect(pacing.ended(Self.at(1000)) == nil)
        pacing.began(Self.at(1050))
        #expect(pacing.ended(Self.at(4900)) == nil)
        pacing.began(Self.at(4950))
        #expect(pacing.ended(Self.at(5000)) == Self.at(5100))
        #expect(pacing.resumed(Self.at(5150)) == nil)
        pacing.began(Self.at(5150))
        #expect(pacing.ended(Self.at(10_149)) == nil)
        pacing.began(Self.at(10_149))
        #expect(pacing.ended(Self.at(10_150)) == Self.at(10_250))
    }

    @Test func `one long piece is followed by a pause`() {
        var pacing = EventLoopPacing()
        pacing.began(Self.at(0))
        #expect(pacing.ended(Self.at(80_000)) == Self.at(80_100))
    }

    @Test func `a new slice begins once the loop had time for its sockets`() {
        var pacing = EventLoopPacing()
        for piece in 0..<100 {
            let start = Int64(piece) * 4200
            pacing.began(Self.at(start))
            #expect(pacing.ended(Self.at(start + 4000)) == nil)
        }
    }

    @Test func `a pause that another piece has filled is made up for`() {
        var pacing = EventLoopPacing()
        pacing.began(Self.at(0))
        #expect(pacing.ended(Self.at(5000)) == Self.at(5100))
        // Another sink of the loop had work left.
        pacing.began(Self.at(5010))
        #expect(pacing.ended(Self.at(5300)) == Self.at(5400))
        #expect(pacing.resumed(Self.at(5310)) == Self.at(5400))
        #expect(pacing.resumed(Self.at(5400)) == nil)
    }

    @Test func `whoever resumes later shares the slice that has begun`() {
        var pacing = EventLoopPacing()
        pacing.began(Self.at(0))
        #expect(pacing.ended(Self.at(5000)) == Self.at(5100))
        #expect(pacing.resumed(Self.at(5110)) == nil)
        pacing.began(Self.at(5110))
        #expect(pacing.ended(Self.at(9000)) == nil)
        #expect(pacing.resumed(Self.at(9010)) == nil)
        pacing.began(Self.at(9010))
        #expect(pacing.ended(Self.at(10_200)) == Self.at(10_300))
    }
}
