//! Logs of mail programs that are not read: told by their telltales, so that they are named.

use crate::mail_log::line::Line;

/// The name of the program that wrote a line, where something in it tells.
pub(super) fn of(line: &Line) -> Option<&'static str> {
    let text = line.text.as_str();
    let tag = line.tag.as_deref().unwrap_or_default();
    Some(match tag {
        "sendmail" | "sm-mta" | "sm-msp-queue" => "sendmail",
        "qmail" | "qmail-send" => "qmail",
        "smtpd" | "opensmtpd" => "OpenSMTPD",
        "msmtp" => "msmtp",
        "sSMTP" => "sSMTP",
        "dma" => "dma",
        _ if text.contains("mailer=esmtp") && text.contains(" stat=") => "sendmail",
        _ if text.contains(" delivery ") && text.contains(": deferral: ") => "qmail",
        _ if text.contains("starting delivery ") && text.contains(" to remote ") => "qmail",
        _ if text.contains("mta delivery evpid=") => "OpenSMTPD",
        _ if text.contains(" exitcode=EX_") => "msmtp",
        _ if text.starts_with("#Software: Microsoft Exchange") => "Microsoft Exchange",
        _ if text.starts_with("#Fields: date-time,connector-id,session-id") => "Microsoft Exchange",
        _ if text.starts_with("#Software: Microsoft Internet Information") => {
            "the SMTP service of IIS"
        }
        _ if text.starts_with("#Software: Microsoft SMTP") => "the SMTP service of IIS",
        _ => return None,
    })
}
