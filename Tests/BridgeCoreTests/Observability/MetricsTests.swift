import Testing

@testable import BridgeCore

struct MetricsTests {
    @Test func `figures are rendered as Prometheus reads them`() {
        let metrics = Metrics()
        metrics.counter("b_total", help: "Second.", labels: [("name", "x\"y\\z\n")]).increment(by: 3)
        metrics.gauge("a", help: "First.").set(-1)
        #expect(
            metrics.render() == """
                # HELP a First.
                # TYPE a gauge
                a -1
                # HELP b_total Second.
                # TYPE b_total counter
                b_total{name="x\\"y\\\\z\\n"} 3

                """
        )
    }

    @Test func `the same name and labels are the same figure`() {
        let metrics = Metrics()
        metrics.counter("c", help: "", labels: [("a", "1")]).increment()
        metrics.counter("c", help: "", labels: [("a", "1")]).increment()
        #expect(metrics.counter("c", help: "", labels: [("a", "1")]).value == 2)
        #expect(metrics.counter("c", help: "", labels: [("a", "2")]).value == 0)
    }

    @Test func `a histogram counts into every bucket from its own up`() {
        let metrics = Metrics()
        let histogram = metrics.histogram("h", help: "")
        histogram.observe(.milliseconds(3), count: 2)
        histogram.observe(.seconds(60))
        let text = metrics.render()
        #expect(text.contains("h_bucket{le=\"0.0025\"} 0\n"))
        #expect(text.contains("h_bucket{le=\"0.005\"} 2\n"))
        #expect(text.contains("h_bucket{le=\"10\"} 2\n"))
        #expect(text.contains("h_bucket{le=\"+Inf\"} 3\n"))
        #expect(text.contains("h_sum 60.006\n"))
        #expect(text.contains("h_count 3\n"))
    }
}
