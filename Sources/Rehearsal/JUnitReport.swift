import BridgeConfiguration

/// The outcomes of tests in the XML of JUnit, which continuous integration reads.
package enum JUnitReport {
    /// The document, one `testsuite` for each file of tests.
    ///
    /// - Parameter name: the name of all suites together.
    package static func xml(of outcomes: [TestOutcome], name: String) -> String {
        var files: [String] = []
        for outcome in outcomes where !files.contains(outcome.test.place.file) { files.append(outcome.test.place.file) }
        var xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        xml += "<testsuites name=\"\(self.escaped(name))\" \(self.counts(outcomes))>\n"
        for file in files {
            let own = outcomes.filter { $0.test.place.file == file }
            xml += "  <testsuite name=\"\(self.escaped(file))\" \(self.counts(own))>\n"
            for outcome in own { xml += self.testCase(outcome) }
            xml += "  </testsuite>\n"
        }
        return xml + "</testsuites>\n"
    }

    private static func counts(_ outcomes: [TestOutcome]) -> String {
        let failures = outcomes.count { !$0.failures.isEmpty }
        let time = outcomes.reduce(Duration.zero) { $0 + $1.duration }
        return "tests=\"\(outcomes.count)\" failures=\"\(failures)\" errors=\"0\" time=\"\(self.seconds(time))\""
    }

    private static func testCase(_ outcome: TestOutcome) -> String {
        let place = outcome.test.place
        let head =
            "    <testcase name=\"\(self.escaped(outcome.test.name))\" classname=\"\(self.escaped(place.file))\" "
            + "file=\"\(self.escaped(place.file))\" line=\"\(place.line)\" time=\"\(self.seconds(outcome.duration))\""
        guard let first = outcome.failures.first else { return head + "/>\n" }
        let text = outcome.failures.map { ["\($0.place): \($0.message)"] + $0.details }.joined().joined(separator: "\n")
        return head
            + ">\n      <failure message=\"\(self.escaped(first.message))\">\(self.escaped(text))</failure>\n    </testcase>\n"
    }

    /// Seconds with six digits of fraction.
    private static func seconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let digits = String(attoseconds / 1_000_000_000_000)
        return "\(seconds).\(String(repeating: "0", count: 6 - digits.count))\(digits)"
    }

    /// A text in an attribute or an element; characters that XML 1.0 does not have become U+FFFD (§2.2).
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\n": result += "&#10;"
            case "\t": result += "\t"
            case _ where scalar.value < 32 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
