//! A line of a log, without what syslog or journald put around it.

use serde_json::Value;

/// A line, and what its envelope says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// When, as written.
    pub at: Option<String>,
    /// The program's name, as syslog has it: `postfix/smtp`.
    pub tag: Option<String>,
    /// Its process.
    pub process: String,
    /// What it says.
    pub text: String,
}

impl Line {
    /// A line as it stands in a file.
    pub(super) fn of(text: &str) -> Self {
        journald(text).or_else(|| syslog(text)).unwrap_or_else(|| Self {
            at: None,
            tag: None,
            process: String::new(),
            text: text.to_owned(),
        })
    }
}

/// An entry as `journalctl --output json` writes it.
fn journald(text: &str) -> Option<Line> {
    if !text.starts_with('{') {
        return None;
    }
    let entry: Value = serde_json::from_str(text).ok()?;
    let field = |name: &str| entry.get(name).and_then(Value::as_str);
    let message = match entry.get("MESSAGE")? {
        Value::String(text) => text.clone(),
        // What is no UTF-8 is a list of its bytes.
        Value::Array(bytes) => {
            let byte = |byte: &Value| byte.as_u64().and_then(|byte| u8::try_from(byte).ok());
            let bytes: Vec<u8> = bytes.iter().filter_map(byte).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => return None,
    };
    let microseconds = field("__REALTIME_TIMESTAMP").and_then(|text| text.parse().ok());
    let at = microseconds.and_then(|at| jiff::Timestamp::from_microsecond(at).ok());
    Some(Line {
        at: at.map(|at| format!("{at:.0}")),
        tag: field("SYSLOG_IDENTIFIER").map(str::to_owned),
        process: field("_PID").or(field("SYSLOG_PID")).unwrap_or_default().to_owned(),
        text: message,
    })
}

/// `Nov 28 05:37:12 host tag[1]: text` (RFC 3164), the same with a time of RFC 3339, or RFC 5424.
fn syslog(text: &str) -> Option<Line> {
    let (at, rest) = time(text)?;
    let (_host, rest) = rest.trim_start().split_once(' ')?;
    let (tag, message) =
        rest.split_once(": ").or_else(|| rest.strip_suffix(':').map(|t| (t, "")))?;
    let (tag, process) = match tag.split_once('[') {
        Some((tag, process)) => (tag, process.trim_end_matches(']')),
        None => (tag, ""),
    };
    let fits = |sign: char| sign.is_ascii_alphanumeric() || "/-_.()".contains(sign);
    (!tag.is_empty() && tag.chars().all(fits)).then(|| Line {
        at: Some(at.to_owned()),
        tag: Some(tag.to_owned()),
        process: process.to_owned(),
        text: message.to_owned(),
    })
}

/// The time that a line of syslog begins with, and what is behind it.
fn time(text: &str) -> Option<(&str, &str)> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let is_month = text.get(..3).is_some_and(|month| MONTHS.contains(&month));
    let length = if is_month { "Nov 28 05:37:12".len() } else { text.find(' ')? };
    let (at, rest) = text.split_at_checked(length)?;
    let fits = match is_month {
        true => is_time(at.get(3..)?),
        false => is_time(&at.replacen(['T', 'Z'], "", 2)) && at.get(10..11) == Some("T"),
    };
    (fits && rest.starts_with(' ')).then_some((at, rest))
}

/// Whether a text is a time, as far as its signs go: it is repeated, and nothing else may be in it.
pub(super) fn is_time(text: &str) -> bool {
    let of_clock = |sign: char| sign.is_ascii_digit() || " :.+-".contains(sign);
    text.len() <= 40 && text.matches(':').count() >= 2 && text.chars().all(of_clock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_are_taken_off() {
        for (text, at) in [
            ("Nov  8 05:37:12 vm postfix/smtp[18]: connect", "Nov  8 05:37:12"),
            (
                "2026-11-28T05:37:12.5+00:00 vm postfix/smtp[18]: connect",
                "2026-11-28T05:37:12.5+00:00",
            ),
            (
                r#"{"MESSAGE":"connect","__REALTIME_TIMESTAMP":"1795844232000000","_PID":"18","SYSLOG_IDENTIFIER":"postfix/smtp"}"#,
                "2026-11-28T05:37:12Z",
            ),
            (
                r#"{"MESSAGE":[99,111,110,110,101,99,116],"__REALTIME_TIMESTAMP":"1795844232000000","_PID":"18","SYSLOG_IDENTIFIER":"postfix/smtp"}"#,
                "2026-11-28T05:37:12Z",
            ),
        ] {
            let line = Line::of(text);
            assert_eq!(line.at.as_deref(), Some(at), "{text}");
            assert_eq!(line.tag.as_deref(), Some("postfix/smtp"));
            assert_eq!((line.process.as_str(), line.text.as_str()), ("18", "connect"));
        }
        let bare = "=== Trying mx.example:25...";
        assert_eq!(
            Line::of(bare),
            Line { at: None, tag: None, process: String::new(), text: bare.to_owned() }
        );
    }
}
