//! The report as JUnit XML, which build servers read.

use std::fmt::Write as _;

use egress25_policy::in_a_line;

use crate::scenario::{ScenarioReport, StepResult};

/// By this line a later run knows the file for one of ours.
pub const JUNIT_MARK: &str = "<!-- written by egress25 -->";

/// The report as JUnit XML.
#[must_use]
pub fn junit(report: &ScenarioReport) -> String {
    let skipped = report.skipped();
    let total: f64 = report.steps.iter().map(|step| step.seconds).sum();
    let name = escape(&format!("{} ({})", report.scenario, report.datapath));
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{JUNIT_MARK}\n<testsuite name=\"{name}\" tests=\"{}\" \
         failures=\"{}\" errors=\"{}\" skipped=\"{skipped}\" time=\"{total:.3}\">\n",
        report.steps.len(),
        report.differing(),
        report.failed(),
    );
    for step in &report.steps {
        let _ = write!(
            text,
            "  <testcase classname=\"{name}\" name=\"{}\" time=\"{:.3}\"",
            escape(&step.name),
            step.seconds
        );
        let inner = match &step.result {
            StepResult::Passed => String::new(),
            StepResult::Differs(what) => format!("<failure message=\"{}\"/>", escape(what)),
            StepResult::Failed(what) => format!("<error message=\"{}\"/>", escape(what)),
            StepResult::Skipped(why) => format!("<skipped message=\"{}\"/>", escape(why)),
        };
        let _ = if inner.is_empty() {
            writeln!(text, "/>")
        } else {
            writeln!(text, ">{inner}</testcase>")
        };
    }
    text.push_str("</testsuite>\n");
    text
}

/// XML 1.0 has no control characters: what is unseen is spelt.
fn escape(text: &str) -> String {
    in_a_line(text)
        .chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            // Noncharacters of the first plane are none of XML's.
            '\u{fffe}' | '\u{ffff}' => "\u{fffd}".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::StepReport;

    #[test]
    fn what_differs_is_a_failure_and_its_text_is_escaped() {
        let step = |name: &str, result| StepReport {
            name: name.to_owned(),
            result,
            seen: String::new(),
            seconds: 0.5,
        };
        let report = ScenarioReport {
            scenario: "a & b".to_owned(),
            datapath: "nft".to_owned(),
            steps: vec![
                step("one", StepResult::Passed),
                step("two", StepResult::Differs("\"x\" < y".to_owned())),
                step("three", StepResult::Skipped("no <lab>".to_owned())),
            ],
        };
        let text = junit(&report);
        assert!(text.contains("name=\"a &amp; b (nft)\" tests=\"3\" failures=\"1\" errors=\"0\""));
        assert!(text.contains("<failure message=\"&quot;x&quot; &lt; y\"/>"), "{text}");
        let skipped = "time=\"0.500\"><skipped message=\"no &lt;lab&gt;\"/></testcase>";
        assert!(text.contains(skipped), "{text}");
    }
}
