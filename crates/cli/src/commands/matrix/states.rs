//! The states of the matrix, and the answer in each.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use egress25_policy::{
    Assumption, Edition, ExemptionState, MachineKind, Offer, Reason, SMTP_PORT, Setting, Settings,
    StatementId, Verdict, decide,
};
use jiff::civil::Date;
use serde::{Serialize, Serializer};

use crate::args::Via;
use crate::read::deployment::{Deployment, Reached};
use crate::say::failure::Failure;

/// A state of a subscription and its machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatrixState {
    /// Created on the day before the cutoff; nobody asked.
    Before,
    /// Created after the cutoff; nobody asked.
    None,
    /// Asked, not answered.
    Requested,
    /// Refused.
    Refused,
    /// Granted; the machine was at most restarted.
    Granted,
    /// Granted; the machine was stopped (deallocated) and started since.
    Started,
    /// Revoked.
    Revoked,
    /// As `Started`, through an Azure Firewall of the same subscription.
    AzureFirewall,
    /// As `Started`, through an appliance of the same subscription.
    Appliance,
    /// As `None`, through an appliance of an Enterprise Agreement.
    EnterpriseAppliance,
    /// As `None`, to an address in the network.
    Internal,
    /// As `None`, through a VPN gateway to the user's premises.
    OnPremises,
    /// As `None`, on port 587 to a relay.
    Relay,
}

impl Serialize for MatrixState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl MatrixState {
    /// Every state, in the order of the columns.
    pub const ALL: &'static [Self] = &[
        Self::Before,
        Self::None,
        Self::Requested,
        Self::Refused,
        Self::Granted,
        Self::Started,
        Self::Revoked,
        Self::AzureFirewall,
        Self::Appliance,
        Self::EnterpriseAppliance,
        Self::Internal,
        Self::OnPremises,
        Self::Relay,
    ];

    /// The states of a direct route to the Internet.
    pub const DIRECT: &'static [Self] = &[
        Self::Before,
        Self::None,
        Self::Requested,
        Self::Refused,
        Self::Granted,
        Self::Started,
        Self::Revoked,
    ];

    /// The other ways.
    pub const OTHER: &'static [Self] = &[
        Self::AzureFirewall,
        Self::Appliance,
        Self::EnterpriseAppliance,
        Self::Internal,
        Self::OnPremises,
        Self::Relay,
    ];

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Before => "before-cutoff",
            Self::None => "none",
            Self::Requested => "requested",
            Self::Refused => "refused",
            Self::Granted => "granted-not-restarted",
            Self::Started => "granted-and-started",
            Self::Revoked => "revoked",
            Self::AzureFirewall => "via-azure-firewall",
            Self::Appliance => "via-appliance",
            Self::EnterpriseAppliance => "via-enterprise-appliance",
            Self::Internal => "internal",
            Self::OnPremises => "on-premises",
            Self::Relay => "relay-587",
        }
    }

    /// The heading of its column.
    #[must_use]
    pub fn title(self, edition: &Edition) -> String {
        match self {
            Self::Before => format!("created before {}", edition.cutoff),
            Self::None => "created after, not asked".to_owned(),
            Self::Requested => "requested".to_owned(),
            Self::Refused => "refused".to_owned(),
            Self::Granted => "granted, no stop/start yet".to_owned(),
            Self::Started => "granted, stopped and started".to_owned(),
            Self::Revoked => "revoked".to_owned(),
            Self::AzureFirewall => "exempt, via own Azure Firewall".to_owned(),
            Self::Appliance => "exempt, via own appliance".to_owned(),
            Self::EnterpriseAppliance => "not asked, via an EA's appliance".to_owned(),
            Self::Internal => "inside the network".to_owned(),
            Self::OnPremises => "via VPN to own premises".to_owned(),
            Self::Relay => "relay on 587".to_owned(),
        }
    }

    fn deployment(self, offer: Offer, cutoff: Date) -> Deployment {
        let before = cutoff.yesterday().unwrap_or(cutoff);
        // Well after the cutoff: the day itself rests on a setting.
        let after = cutoff.tomorrow().unwrap_or(cutoff);
        let (exemption, reached) = match self {
            Self::Requested => (ExemptionState::Requested, Reached::No),
            Self::Refused => (ExemptionState::Refused, Reached::No),
            Self::Granted => (ExemptionState::Granted, Reached::No),
            Self::Started | Self::AzureFirewall | Self::Appliance => {
                (ExemptionState::Granted, Reached::Started)
            }
            Self::Revoked => (ExemptionState::Revoked, Reached::No),
            _ => (ExemptionState::None, Reached::No),
        };
        let via = match self {
            Self::AzureFirewall => Some(Via::AzureFirewall),
            Self::Appliance | Self::EnterpriseAppliance => Some(Via::Appliance),
            Self::OnPremises => Some(Via::Gateway),
            _ => None,
        };
        let to = if self == Self::Internal { [10, 0, 0, 9] } else { [203, 0, 113, 5] };
        let enterprise = (self == Self::EnterpriseAppliance)
            .then_some((Offer::EnterpriseAgreement, Some(after)));
        Deployment {
            offer,
            created: Some(if self == Self::Before { before } else { after }),
            exemption,
            reached,
            deployed: None,
            kind: MachineKind::VirtualMachine,
            via,
            hub: enterprise,
            to: IpAddr::V4(Ipv4Addr::from(to)),
            port: if self == Self::Relay { 587 } else { SMTP_PORT },
        }
    }
}

/// The answer for an offer in a state.
#[derive(Debug, Clone, Serialize)]
pub struct MatrixCell {
    /// The offer.
    pub offer: Offer,
    /// The state.
    pub state: MatrixState,
    /// The verdict.
    pub verdict: Verdict,
    /// The reason.
    pub reason: Reason,
    /// The statements that it rests on.
    pub statements: Vec<StatementId>,
    /// The settings that it rests on.
    pub assumed: Vec<Assumption>,
}

impl MatrixCell {
    /// Whether a person sees the same.
    #[must_use]
    pub fn looks_like(&self, other: &Self) -> bool {
        (self.state, self.verdict, self.reason, self.is_assumed())
            == (other.state, other.verdict, other.reason, other.is_assumed())
    }

    /// Whether it rests on a reading of ours, the form of the block apart.
    #[must_use]
    pub fn is_assumed(&self) -> bool {
        self.assumed.iter().any(|one| one.setting != Setting::BlockForm.name())
    }
}

/// Every cell, offer by offer.
///
/// # Errors
/// A world does not hold together; none of the states can bring that about.
pub fn cells(edition: &Arc<Edition>, settings: &Settings) -> Result<Vec<MatrixCell>, Failure> {
    let mut cells = Vec::new();
    for offer in Offer::ALL {
        for state in MatrixState::ALL {
            let deployment = state.deployment(*offer, edition.cutoff);
            let world = deployment
                .world(edition, settings.clone())
                .map_err(|error| Failure::Internal(error.to_string()))?;
            let decision = decide(&world, &deployment.question());
            cells.push(MatrixCell {
                offer: *offer,
                state: *state,
                verdict: decision.verdict,
                reason: decision.reason,
                statements: decision.statements,
                assumed: decision.assumed,
            });
        }
    }
    Ok(cells)
}

/// Offers whose answers are all the same, together.
pub(super) fn groups(
    cells: &[MatrixCell],
    all_offers: bool,
) -> Vec<(Vec<Offer>, Vec<&MatrixCell>)> {
    let mut groups: Vec<(Vec<Offer>, Vec<&MatrixCell>)> = Vec::new();
    for offer in Offer::ALL {
        let row: Vec<_> = cells.iter().filter(|cell| cell.offer == *offer).collect();
        let same = |other: &[&MatrixCell]| {
            other.len() == row.len() && other.iter().zip(&row).all(|(a, b)| a.looks_like(b))
        };
        match groups.iter_mut().find(|(_, other)| !all_offers && same(other)) {
            Some((offers, _)) => offers.push(*offer),
            None => groups.push((vec![*offer], row)),
        }
    }
    groups
}
