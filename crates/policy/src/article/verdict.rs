//! Verdicts: what becomes of a packet, and how that follows from the reason.

use serde::{Deserialize, Serialize};

use crate::article::reason::{Reason, VerdictRule};
use crate::article::settings::{BlockForm, PassOrDrop, Setting, Settings};

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(strum::IntoStaticStr, strum::Display)]
#[strum(serialize_all = "kebab-case")]
#[repr(u8)]
pub enum Verdict {
    /// It goes on its way.
    Pass,
    /// It vanishes: the sender sees a time-out.
    Drop,
    /// The sender is told: the connection is refused.
    Reject,
}

impl Verdict {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The verdict that goes with a reason under some settings.
#[must_use]
pub const fn verdict_of(settings: &Settings, reason: Reason) -> Verdict {
    let pass_or_drop = match reason.verdict_rule() {
        VerdictRule::Pass => return Verdict::Pass,
        VerdictRule::Drop => return Verdict::Drop,
        VerdictRule::Firewall => return in_form(settings.azure_firewall_form),
        VerdictRule::Block => return in_form(settings.block_form),
        VerdictRule::Unknown => settings.unknown_source,
        VerdictRule::NotRunning => settings.sender_not_running,
    };
    match pass_or_drop {
        PassOrDrop::Pass => Verdict::Pass,
        PassOrDrop::Drop => Verdict::Drop,
    }
}

const fn in_form(form: BlockForm) -> Verdict {
    match form {
        BlockForm::Drop => Verdict::Drop,
        BlockForm::Reject => Verdict::Reject,
    }
}

impl Reason {
    /// The verdict that it goes with where nobody sets anything.
    #[must_use]
    pub fn usual_verdict(self) -> Verdict {
        verdict_of(&Settings::default(), self)
    }

    /// The setting that says which verdict it goes with, if one does.
    pub(crate) const fn verdict_setting(self) -> Option<Setting> {
        match self.verdict_rule() {
            VerdictRule::Pass | VerdictRule::Drop => None,
            VerdictRule::Firewall => Some(Setting::AzureFirewallForm),
            VerdictRule::Block => Some(Setting::BlockForm),
            VerdictRule::Unknown => Some(Setting::UnknownSource),
            VerdictRule::NotRunning => Some(Setting::SenderNotRunning),
        }
    }
}
