//! A line of a log, without what syslog or journald put around it.

use serde_json::Value;

use crate::mail_log::when::MONTHS;

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
        json(text).or_else(|| syslog(text)).unwrap_or_else(|| Self {
            at: None,
            tag: None,
            process: String::new(),
            text: text.to_owned(),
        })
    }

    /// Its program, where a syslog has written that into the text of another envelope, as one in a
    /// container does.
    fn unwrapped(self) -> Self {
        match syslog(&self.text) {
            Some(inner) => Self { at: self.at.or(inner.at), ..inner },
            None => self,
        }
    }
}

/// An entry as `journalctl --output json` writes it, or as Docker's `json-file` does.
fn json(text: &str) -> Option<Line> {
    if !text.starts_with('{') {
        return None;
    }
    let entry: Value = serde_json::from_str(text).ok()?;
    journald(&entry).or_else(|| docker(&entry)).map(Line::unwrapped)
}

/// `{"log":"TEXT\n","stream":"stdout","time":"TIME"}`.
fn docker(entry: &Value) -> Option<Line> {
    let field = |name: &str| entry.get(name).and_then(Value::as_str);
    let (text, at) = (field("log")?, field("time")?);
    Some(Line {
        at: is_rfc_3339(at).then(|| at.to_owned()),
        tag: None,
        process: String::new(),
        text: text.trim_end().to_owned(),
    })
}

fn journald(entry: &Value) -> Option<Line> {
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

/// A line of syslog: RFC 3164, the same with one of the times that programs write, RFC 5424, or what
/// is left of one without its time and its host.
fn syslog(text: &str) -> Option<Line> {
    let (with_priority, text) = match text.strip_prefix('<').and_then(|text| text.split_once('>')) {
        Some((number, rest)) if number.len() <= 3 && number.parse::<u8>().is_ok() => (true, rest),
        _ => (false, of_a_container(text)),
    };
    if with_priority && let Some(text) = text.strip_prefix("1 ") {
        return rfc_5424(text);
    }
    let with_process = |line: &Line| !line.process.is_empty();
    let Some((at, rest)) = time(text) else {
        // Only what names a mail program itself is taken for one.
        let ours = ["postfix/", "postfix-", "exim["].iter().any(|tag| text.starts_with(tag));
        return tagged(None, text).filter(|line| ours && with_process(line));
    };
    // The host may be left out, as it is where syslog is local. Logs of applications begin with a time
    // and a word, too: one of syslog's own names its process where its time is not syslog's own.
    let of_applications = at.get(10..11) == Some(" ");
    let behind_the_host = |rest: &str| tagged(Some(at), rest.split_once(' ')?.1);
    tagged(Some(at), rest)
        .filter(with_process)
        .or_else(|| behind_the_host(rest).filter(|line| !of_applications || with_process(line)))
}

/// `tag[1]: text`.
fn tagged(at: Option<&str>, rest: &str) -> Option<Line> {
    let rest = rest.trim_start();
    let (tag, message) =
        rest.split_once(": ").or_else(|| rest.strip_suffix(':').map(|t| (t, "")))?;
    let (tag, process) = match tag.split_once('[') {
        Some((tag, process)) => (tag, process.trim_end_matches(']')),
        None => (tag, ""),
    };
    let fits = |sign: char| sign.is_ascii_alphanumeric() || "/-_.()".contains(sign);
    (!tag.is_empty() && tag.chars().all(fits)).then(|| Line {
        at: at.map(str::to_owned),
        tag: Some(tag.to_owned()),
        process: process.to_owned(),
        text: message.to_owned(),
    })
}

/// `TIME HOST TAG PROCESS MESSAGE-ID DATA TEXT`, from behind the version.
fn rfc_5424(text: &str) -> Option<Line> {
    let mut fields = text.splitn(6, ' ');
    let (at, _host) = (fields.next()?, fields.next()?);
    let (tag, process, _id, rest) =
        (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let text = match rest.strip_prefix('[') {
        Some(data) => data.split_once("] ")?.1,
        None => rest.strip_prefix("- ")?,
    };
    Some(Line {
        at: is_rfc_3339(at).then(|| at.to_owned()),
        tag: Some(tag.to_owned()),
        process: process.to_owned(),
        text: text.trim_start_matches('\u{feff}').to_owned(),
    })
}

/// The time that a line of syslog begins with, and what is behind it.
fn time(text: &str) -> Option<(&str, &str)> {
    // Of `journalctl -o short-full`: `Sat 2026-11-28 05:37:12 UTC`.
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let text = match text.split_once(' ') {
        Some((day, rest)) if DAYS.contains(&day) => rest,
        _ => text,
    };
    let is_month = text.get(..3).is_some_and(|month| MONTHS.contains(&month));
    let with_space = text.get(10..11) == Some(" ") && text.get(4..5) == Some("-");
    let from = match (is_month, with_space) {
        (true, _) => "Nov 28 05:37".len(),
        (false, true) => "2026-11-28 ".len(),
        (false, false) => 0,
    };
    let length = from.checked_add(text.get(from..)?.find(' ')?)?;
    let (at, rest) = text.split_at_checked(length)?;
    let is_unix = || at.contains('.') && at.parse::<f64>().is_ok();
    let fits = match (is_month, with_space) {
        (true, _) => is_time(at.get(3..)?),
        (false, true) => is_time(at),
        (false, false) => is_rfc_3339(at) || is_unix(),
    };
    let is_zone = |word: &str| {
        word.starts_with(['+', '-']) && word.len() == 5
            || (3..=5).contains(&word.len()) && word.chars().all(|sign| sign.is_ascii_uppercase())
    };
    let rest = match rest.trim_start().split_once(' ') {
        Some((zone, behind)) if with_space && is_zone(zone) => behind,
        _ => rest.trim_start(),
    };
    fits.then_some((at, rest))
}

fn is_rfc_3339(at: &str) -> bool {
    at.get(10..11) == Some("T") && is_time(&at.replacen(['T', 'Z'], "", 2))
}

/// A line without what `docker compose logs` puts in front of it: `mail-1  | `.
fn of_a_container(text: &str) -> &str {
    let is_name = |name: &str| {
        let fits = |sign: char| sign.is_ascii_alphanumeric() || "-_.".contains(sign);
        !name.is_empty() && name.chars().all(fits)
    };
    match text.split_once("| ") {
        Some((name, rest)) if is_name(name.trim_end()) => rest,
        _ => text,
    }
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
        for (text, at) in [
            ("<22>Nov 28 05:37:12 vm postfix/smtp[18]: connect", Some("Nov 28 05:37:12")),
            ("<22>Nov 28 05:37:12 postfix/smtp[18]: connect", Some("Nov 28 05:37:12")),
            (
                "<22>1 2026-11-28T05:37:12.5Z vm postfix/smtp 18 - - connect",
                Some("2026-11-28T05:37:12.5Z"),
            ),
            (
                "<22>1 2026-11-28T05:37:12Z vm postfix/smtp 18 - [a b=\"c\"] \u{feff}connect",
                Some("2026-11-28T05:37:12Z"),
            ),
            ("Nov 28 05:37:12.123456 vm postfix/smtp[18]: connect", Some("Nov 28 05:37:12.123456")),
            ("2026-11-28 05:37:12 vm postfix/smtp[18]: connect", Some("2026-11-28 05:37:12")),
            (
                "Sat 2026-11-28 05:37:12 UTC vm postfix/smtp[18]: connect",
                Some("2026-11-28 05:37:12"),
            ),
            ("1795844232.123456 vm postfix/smtp[18]: connect", Some("1795844232.123456")),
            ("mail-1  | Nov 28 05:37:12 vm postfix/smtp[18]: connect", Some("Nov 28 05:37:12")),
            (
                "2026-11-28T05:37:12.5+00:00 INFO    postfix/smtp[18]: connect",
                Some("2026-11-28T05:37:12.5+00:00"),
            ),
            ("postfix/smtp[18]: connect", None),
            (
                r#"{"log":"Nov 28 05:37:12 vm postfix/smtp[18]: connect\n","stream":"stdout","time":"2026-11-28T05:37:12.5Z"}"#,
                Some("2026-11-28T05:37:12.5Z"),
            ),
            (
                r#"{"MESSAGE":"Nov 28 05:37:12 c1 postfix/smtp[18]: connect","SYSLOG_IDENTIFIER":"docker","_PID":"7"}"#,
                Some("Nov 28 05:37:12"),
            ),
        ] {
            let line = Line::of(text);
            assert_eq!(line.at.as_deref(), at, "{text}");
            assert_eq!(line.tag.as_deref(), Some("postfix/smtp"), "{text}");
            assert_eq!((line.process.as_str(), line.text.as_str()), ("18", "connect"), "{text}");
        }
        let bare = "=== Trying mx.example:25...";
        assert_eq!(
            Line::of(bare),
            Line { at: None, tag: None, process: String::new(), text: bare.to_owned() }
        );
    }
}
