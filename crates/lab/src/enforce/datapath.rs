//! Which data paths there are, and what each has to be able to do.

use strum::{EnumString, IntoStaticStr, VariantNames};

use crate::enforce::judge::Court;
use crate::enforce::policy_state::Snapshot;
use crate::error::LabError;
use crate::network::plan::{Plan, Point};

/// Which data path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase", parse_err_ty = String, parse_err_fn = unknown)]
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
    pub fn name(self) -> &'static str {
        self.into()
    }
}

fn unknown(text: &str) -> String {
    format!("`{text}` is no data path: {}", DataPath::VARIANTS.join(", "))
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
