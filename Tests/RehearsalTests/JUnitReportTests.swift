import BridgeConfiguration
import Rehearsal
import Testing

/// The XML for continuous integration.
struct JUnitReportTests {
    @Test func `a suite lists its tests, with what fails and without characters that XML does not have`() throws {
        let fixture = try RehearsalFixture(
            """
            sources: { in: { type: webhook, id: a } }
            sinks: { out: { type: file, path: /dev/null } }
            routes: [{ to: out }]
            tests:
              - { name: 'a <good> & "quoted" test', send: [{ body: x }], expect: { out: 1 } }
              - { name: bad, send: [{ body: x }], expect: { out: [] } }
            """)
        let xml = JUnitReport.xml(of: fixture.run().outcomes, name: "bridges.yaml")
        var lines = xml.split(separator: "\n").map(String.init)
        for index in lines.indices { lines[index] = lines[index].replacing(#/ time="[0-9]+\.[0-9]{6}"/#, with: "") }
        #expect(lines.count == 9, "\(xml)")
        #expect(lines[0] == "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")
        #expect(lines[1] == "<testsuites name=\"bridges.yaml\" tests=\"2\" failures=\"1\" errors=\"0\">")
        #expect(lines[2] == "  <testsuite name=\"bridges.yaml\" tests=\"2\" failures=\"1\" errors=\"0\">")
        #expect(
            lines[3]
                == "    <testcase name=\"a &lt;good&gt; &amp; &quot;quoted&quot; test\" classname=\"bridges.yaml\" file=\"bridges.yaml\" line=\"5\"/>"
        )
        #expect(lines[4] == "    <testcase name=\"bad\" classname=\"bridges.yaml\" file=\"bridges.yaml\" line=\"6\">")
        #expect(
            lines[5].hasPrefix("      <failure message=\"no event is expected at out, and one arrives\">bridges.yaml:6: no event")
        )
        #expect(lines.suffix(3) == ["    </testcase>", "  </testsuite>", "</testsuites>"])
    }
}
