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
use crate::say::output::OfAnotherPage;

/// A state of a subscription and its machine, and the way that it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatrixState {
    /// The stable name.
    pub(crate) name: &'static str,
    /// The heading of its column; `{}` stands for the cutoff.
    title: &'static str,
    exemption: ExemptionState,
    reached: Reached,
    via: Option<Via>,
    way: SendingWay,
}

/// What else tells one state from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SendingWay {
    Internet,
    /// To the Internet, for a subscription that was created before the cutoff.
    OfOld,
    /// To an address in the network.
    Internal,
    /// Through an appliance of an Enterprise Agreement.
    Enterprise,
    /// On port 587, to a relay.
    Relay,
}

const fn state(
    name: &'static str,
    title: &'static str,
    exemption: ExemptionState,
    way: SendingWay,
) -> MatrixState {
    MatrixState { name, title, exemption, reached: Reached::No, via: None, way }
}

const fn exempt(name: &'static str, title: &'static str, via: Option<Via>) -> MatrixState {
    let (exemption, reached) = (ExemptionState::Granted, Reached::Started);
    MatrixState { name, title, exemption, reached, via, way: SendingWay::Internet }
}

impl Serialize for MatrixState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

impl MatrixState {
    /// The states of a direct route to the Internet, in the order of the columns.
    pub(super) const DIRECT: &'static [Self] = &[
        state("before-cutoff", "created before {}", ExemptionState::None, SendingWay::OfOld),
        state("none", "created after, not requested", ExemptionState::None, SendingWay::Internet),
        state("requested", "requested", ExemptionState::Requested, SendingWay::Internet),
        state("refused", "refused", ExemptionState::Refused, SendingWay::Internet),
        state(
            "granted-not-restarted",
            "granted, no stop/start yet",
            ExemptionState::Granted,
            SendingWay::Internet,
        ),
        exempt("granted-and-started", "granted, stopped and started", None),
        state("revoked", "revoked", ExemptionState::Revoked, SendingWay::Internet),
    ];

    /// The other ways: through something of the same subscription, exempt, or not asked.
    pub(super) const OTHER: &'static [Self] = &[
        exempt("via-azure-firewall", "exempt, via own Azure Firewall", Some(Via::AzureFirewall)),
        exempt("via-appliance", "exempt, via own appliance", Some(Via::Appliance)),
        Self {
            via: Some(Via::Appliance),
            ..state(
                "via-enterprise-appliance",
                "not requested, via an EA's appliance",
                ExemptionState::None,
                SendingWay::Enterprise,
            )
        },
        state("internal", "inside the network", ExemptionState::None, SendingWay::Internal),
        Self {
            via: Some(Via::Gateway),
            ..state(
                "on-premises",
                "via VPN to own premises",
                ExemptionState::None,
                SendingWay::Internet,
            )
        },
        state("relay-587", "relay on 587", ExemptionState::None, SendingWay::Relay),
    ];

    /// Every state, in the order of the columns.
    pub(super) fn all() -> impl Iterator<Item = &'static Self> {
        Self::DIRECT.iter().chain(Self::OTHER)
    }

    /// The heading of its column.
    pub(super) fn title(&self, edition: &Edition) -> String {
        self.title.replace("{}", &edition.cutoff.to_string())
    }

    fn deployment(&self, offer: Offer, cutoff: Date) -> Deployment {
        let before = cutoff.yesterday().unwrap_or(cutoff);
        // Well after the cutoff: the day itself rests on a setting.
        let after = cutoff.tomorrow().unwrap_or(cutoff);
        let to = if self.way == SendingWay::Internal { [10, 0, 0, 9] } else { [203, 0, 113, 5] };
        let enterprise = (self.way == SendingWay::Enterprise)
            .then_some((Offer::EnterpriseAgreement, Some(after)));
        Deployment {
            offer,
            created: Some(if self.way == SendingWay::OfOld { before } else { after }),
            exemption: self.exemption,
            reached: self.reached,
            deployed: None,
            kind: MachineKind::VirtualMachine,
            via: self.via,
            hub: enterprise,
            public_address: true,
            to: IpAddr::V4(Ipv4Addr::from(to)),
            port: if self.way == SendingWay::Relay { 587 } else { SMTP_PORT },
        }
    }
}

/// The heading of a state's column, by the state's name.
#[must_use]
pub fn state_title(name: &str, edition: &Edition) -> String {
    let state = MatrixState::all().find(|state| state.name == name);
    state.map_or_else(|| name.to_owned(), |state| state.title(edition))
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
    /// Which of its statements are not the article's word, and whose they are.
    pub sources: Vec<OfAnotherPage>,
}

impl MatrixCell {
    /// Whether a person sees the same.
    #[must_use]
    pub fn looks_like(&self, other: &Self) -> bool {
        (self.state, self.verdict, self.reason, self.is_assumed())
            == (other.state, other.verdict, other.reason, other.is_assumed())
    }

    /// Whether it rests on a reading of ours, the form of a block apart.
    #[must_use]
    pub fn is_assumed(&self) -> bool {
        let forms = [Setting::BlockForm, Setting::AzureFirewallForm].map(Setting::name);
        self.assumed.iter().any(|one| !forms.contains(&one.setting.as_str()))
    }
}

/// Every cell, offer by offer.
///
/// # Errors
/// A world does not hold together; none of the states can bring that about.
pub fn cells(edition: &Arc<Edition>, settings: &Settings) -> Result<Vec<MatrixCell>, Failure> {
    let mut cells = Vec::new();
    for offer in Offer::ALL {
        for state in MatrixState::all() {
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
                sources: OfAnotherPage::among(edition, &decision.statements),
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
