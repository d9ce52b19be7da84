//! Logs of mail programs that are not read: told by their telltales, so that they are named.

use crate::mail_log::line::Line;

/// A program whose log is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
pub enum Foreign {
    /// sendmail.
    #[strum(serialize = "sendmail")]
    Sendmail,
    /// qmail, or one of its descendants.
    #[strum(serialize = "qmail")]
    Qmail,
    /// OpenSMTPD.
    #[strum(serialize = "OpenSMTPD")]
    OpenSmtpd,
    /// msmtp.
    #[strum(serialize = "msmtp")]
    Msmtp,
    /// sSMTP.
    #[strum(serialize = "sSMTP")]
    Ssmtp,
    /// DragonFly's mail agent.
    #[strum(serialize = "dma")]
    Dma,
    /// A protocol or tracking log of Exchange.
    #[strum(serialize = "Microsoft Exchange")]
    Exchange,
    /// The SMTP service of IIS.
    #[strum(serialize = "the SMTP service of IIS")]
    Iis,
}

impl Foreign {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The program that wrote a line, where something in it tells.
    pub(super) fn of(line: &Line) -> Option<Self> {
        let text = line.text.as_str();
        let tag = line.tag.as_deref().unwrap_or_default();
        Some(match tag {
            "sendmail" | "sm-mta" | "sm-msp-queue" => Self::Sendmail,
            "qmail" | "qmail-send" => Self::Qmail,
            "smtpd" | "opensmtpd" => Self::OpenSmtpd,
            "msmtp" => Self::Msmtp,
            "sSMTP" => Self::Ssmtp,
            "dma" => Self::Dma,
            _ if text.contains("mailer=esmtp") && text.contains(" stat=") => Self::Sendmail,
            _ if text.contains(" delivery ") && text.contains(": deferral: ") => Self::Qmail,
            _ if text.contains("starting delivery ") && text.contains(" to remote ") => Self::Qmail,
            _ if text.contains("mta delivery evpid=") => Self::OpenSmtpd,
            _ if text.contains(" exitcode=EX_") => Self::Msmtp,
            _ if text.starts_with("#Software: Microsoft Exchange") => Self::Exchange,
            _ if text.starts_with("#Fields: date-time,connector-id,session-id") => Self::Exchange,
            _ if text.starts_with("#Software: Microsoft Internet Information") => Self::Iis,
            _ if text.starts_with("#Software: Microsoft SMTP") => Self::Iis,
            _ => return None,
        })
    }
}
