//! Which data paths there are, and what each has to be able to do.

use std::str::FromStr;

use crate::enforce::judge::Court;
use crate::enforce::policy_state::Snapshot;
use crate::error::LabError;
use crate::network::plan::{Plan, Point};

/// Which data path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DataPath {
    /// The policy as nftables sets and maps, enforced by the kernel.
    #[default]
    Nft,
    /// The kernel hands what may be a SYN to port 25 to the filter.
    NfQueue,
    /// Every frame goes through the filter.
    AfPacket,
    /// Nothing is filtered: to compare with.
    None,
}

impl DataPath {
    /// The name, as the command line takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nft => "nft",
            Self::NfQueue => "nfqueue",
            Self::AfPacket => "afpacket",
            Self::None => "none",
        }
    }
}

impl FromStr for DataPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Nft, Self::NfQueue, Self::AfPacket, Self::None]
            .into_iter()
            .find(|path| path.name() == text)
            .ok_or_else(|| format!("`{text}` is no data path: nft, nfqueue, afpacket, none"))
    }
}

/// A data path that is in force. One that needs nothing done at a moment leaves it out.
pub(crate) trait Enforce: Send + Sync {
    /// Brings the rules up to a changed policy.
    ///
    /// # Errors
    /// Some could not be: what is in force is older than the policy.
    fn update(&self, _: &Snapshot) -> Result<(), LabError> {
        Ok(())
    }

    /// Judges at more points: those of the lab that comes up, or of a machine that was deployed.
    /// Nothing passes there before. Whether it works is for a probe to show.
    ///
    /// # Errors
    /// They cannot be judged.
    fn join(&self, plan: &Plan, points: &[Point], court: &Court) -> Result<(), LabError>;

    /// Ends the program that judges, as if it had crashed. What it leaves must fail closed.
    fn stop_filter(&self) {}
}

/// No filter at all.
pub(crate) struct NoFilter;

impl Enforce for NoFilter {
    fn join(&self, _: &Plan, _: &[Point], _: &Court) -> Result<(), LabError> {
        Ok(())
    }
}
