//! The inventory of a capture that no file describes: one subscription, of which every private
//! address is. It is a text, so that what `replay` takes for granted is what `init` writes down.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use egress25_policy::{
    Edition, ExemptionState, Offer, Settings, UnknownState, creation_counts, in_a_line, utc_day,
};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use crate::args::{SenderArgs, SubscriptionArgs};
use crate::read::edition::{self, ChosenEdition};
use crate::read::offer::{offer, reached_only_if_granted};
use crate::say::ask::{ask, ask_or_end, can_ask, yes_or_no};
use crate::say::console::to_stderr;
use crate::say::failure::Failure;

/// The name of that subscription and of its network.
const MINE: &str = "mine";

/// The name of the machine that stands for all of them.
pub const ALL: &str = "sender";

/// The most senders of a capture that are written as machines of their own.
pub const MAX_MACHINES: usize = 1000;

/// How many times a question is asked again whose answer is none.
const TRIES: usize = 3;

/// What the answers hang on.
#[derive(Debug, Clone)]
pub struct SenderFacts {
    offer: Offer,
    created: Option<Date>,
    exemption: ExemptionState,
    started_since_grant: bool,
    /// Its addresses that are not private: what is sent to these leaves, as to any other (N2).
    public: Vec<IpNet>,
}

/// What was seen of an address that sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenSender {
    /// How many SYNs to port 25 it sent.
    pub syns: u64,
    /// When the first was captured, where that is known.
    pub first: Option<Timestamp>,
}

/// The private addresses of both families, and those that carriers and clouds use as such.
const PRIVATE: [IpNet; 5] = [
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8)),
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12)),
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16)),
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10)),
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7)),
];

impl SenderFacts {
    /// Reads them off the flags; on a terminal it asks for what is missing. `typed` are the words
    /// before the flags, as `replay own.pcap`.
    ///
    /// # Errors
    /// Something is missing and nobody can be asked, or what is said does not fit together.
    pub fn resolve(
        args: &SenderArgs,
        chosen: &ChosenEdition,
        set: &[(String, String)],
        typed: &str,
    ) -> Result<Self, Failure> {
        let asked = Asking { args, chosen, set, typed, may_skip: false };
        asked.facts()?.ok_or_else(|| nobody_said(typed))
    }

    /// As [`resolve`](Self::resolve); whoever is asked may leave open what he does not know, and then
    /// there are none.
    ///
    /// # Errors
    /// As of [`resolve`](Self::resolve).
    pub fn resolve_or_skip(
        args: &SenderArgs,
        chosen: &ChosenEdition,
        set: &[(String, String)],
        typed: &str,
    ) -> Result<Option<Self>, Failure> {
        Asking { args, chosen, set, typed, may_skip: true }.facts()
    }

    /// Whether somebody would be asked for what the flags leave out.
    ///
    /// # Errors
    /// What is said does not fit together.
    pub fn would_ask(
        of: &SubscriptionArgs,
        chosen: &ChosenEdition,
        set: &[(String, String)],
    ) -> Result<bool, Failure> {
        Ok(can_ask()
            && match offer(of)? {
                Some(offer) => of.created.is_none() && date_counts(chosen, set, offer)?,
                None => true,
            })
    }

    /// The subscription that these facts describe.
    #[must_use]
    pub fn subscription(&self) -> SubscriptionArgs {
        SubscriptionArgs {
            offer: Some(self.offer),
            quota_id: None,
            created: self.created,
            exempt: Some(self.exemption),
            started_since_grant: self.started_since_grant,
        }
    }

    /// The flags that say the same.
    fn flags(&self) -> String {
        let mut flags = format!(" --offer {}", self.offer);
        if let Some(day) = self.created {
            let _ = write!(flags, " --created {day}");
        }
        if self.exemption != ExemptionState::default() {
            let _ = write!(flags, " --exempt {}", self.exemption.name());
        }
        if self.started_since_grant {
            flags.push_str(" --started-since-grant");
        }
        flags
    }

    /// Whether an address is one of theirs.
    #[must_use]
    pub fn own(&self, address: IpAddr) -> bool {
        PRIVATE.iter().chain(&self.public).any(|prefix| prefix.contains(&address))
    }

    /// The inventory: with the senders that a capture shows as machines, or with one machine that
    /// stands for all of them.
    #[must_use]
    pub fn inventory(
        &self,
        senders: Option<&BTreeMap<IpAddr, SeenSender>>,
        now: Timestamp,
    ) -> String {
        let Self { offer, exemption, .. } = self;
        let mut text = String::from(
            "# Written by egress25: one subscription, of which every private address is.\n\
             # Change what does not fit; `egress25 schema inventory` describes the format.\n\n",
        );
        let exemption_states = states();
        let _ = write!(
            text,
            "[subscription.{MINE}]\noffer = \"{offer}\"\n{}\nexemption = \"{}\"  # {exemption_states}\n\n\
             [network.{MINE}]\n# What is sent to these addresses stays inside.\naddress_space = {}\n\n\
             [network.{MINE}.subnet.default]\nprefixes = {}\n\
             # In networks created since 2026-04 a subnet has no way out unless you give it one: say false.\n\
             # default_outbound_access = true\n",
            self.creation(now),
            exemption.name(),
            list(&PRIVATE),
            list(&PRIVATE),
        );
        let is_few =
            |senders: &&BTreeMap<_, _>| !senders.is_empty() && senders.len() <= MAX_MACHINES;
        let Some(senders) = senders.filter(is_few) else {
            text.push_str(
                "\n# Stands for every machine: whatever these addresses send is its own. `behind` is\n\
                 # whose traffic it sends; its own addresses are the last of each prefix. Write your\n\
                 # machines instead where they differ.\n",
            );
            self.stand_in(&mut text, &[&PRIVATE[..], &self.public].concat());
            return text;
        };
        text.push_str(
            "\n# Each address that sent a SYN to port 25. A machine with several addresses is one:\n\
             # put them together.\n",
        );
        let is_private = |address| PRIVATE.iter().any(|prefix| prefix.contains(address));
        let machines = senders.iter().filter(|(address, _)| is_private(*address));
        for (number, (address, seen)) in machines.enumerate() {
            let first = seen.first.map_or(String::new(), |at| format!(", first at {at:.0}"));
            let _ = write!(text, "\n# SYNs: {}{first}\n", seen.syns);
            self.machine(&mut text, number.saturating_add(1), &[*address]);
        }
        if !self.public.is_empty() {
            text.push_str("\n# Stands for the machine or machines that bear these addresses.\n");
            self.stand_in(&mut text, &self.public);
        }
        text
    }

    /// What is known of the day of creation; where no day counts, that it is past.
    fn creation(&self, now: Timestamp) -> String {
        match self.created {
            Some(day) => format!("created = \"{day}\""),
            None => {
                let tomorrow = utc_day(now).saturating_add(1.day());
                format!("created_before = \"{tomorrow}\"  # or `created`, where the day is known")
            }
        }
    }

    /// Writes the machine that stands for all with some addresses.
    fn stand_in(&self, text: &mut String, behind: &[IpNet]) {
        let own: Vec<IpAddr> = PRIVATE.iter().filter_map(last_host).collect();
        self.machine(text, 0, &own);
        let _ = writeln!(text, "behind = {}", list(behind));
    }

    /// Writes a machine; 0 is the one that stands for all.
    fn machine(&self, text: &mut String, number: usize, addresses: &[IpAddr]) {
        let name = if number == 0 { ALL.to_owned() } else { format!("{ALL}-{number}") };
        let _ = write!(
            text,
            "[machine.{name}]\nsubscription = \"{MINE}\"\nnetwork = \"{MINE}\"\naddresses = {}\n",
            list(addresses)
        );
        if addresses.iter().any(IpAddr::is_ipv6) {
            let _ = writeln!(
                text,
                "# IPv6 leaves by a public address alone (N7): it is taken to have one.\n\
                 public_address = \"2001:db8::{:x}\"",
                number.saturating_add(1)
            );
        }
        if self.started_since_grant {
            text.push_str("started_since_grant = true\n");
        }
    }
}

/// What is known before anybody is asked.
struct Asking<'a> {
    args: &'a SenderArgs,
    chosen: &'a ChosenEdition,
    set: &'a [(String, String)],
    typed: &'a str,
    may_skip: bool,
}

impl Asking<'_> {
    fn facts(&self) -> Result<Option<SenderFacts>, Failure> {
        let Self { args, chosen, set, typed, .. } = *self;
        let of = &args.subscription;
        reached_only_if_granted(of, of.started_since_grant.then_some("started-since-grant"))?;
        let told = offer(of)?;
        let asks = told.is_none() && can_ask();
        let offer = match told {
            Some(offer) => Some(offer),
            None if asks => self.until(
                "Which offer is the subscription of? (portal: Subscriptions > Overview > Offer)",
                |text| text.parse::<Offer>().map_err(|error| error.to_string()),
            )?,
            None => return Err(nobody_said(typed)),
        };
        let Some(offer) = offer else { return Ok(None) };
        let created = match of.created {
            Some(day) => Some(day),
            None if !date_counts(chosen, set, offer)? => None,
            None if can_ask() => {
                let day = self.until(
                    "On which day was it created, as 2019-03-01? (portal, or the first invoice)",
                    |text| egress25_policy::parse_day(text).map_err(|error| error.to_string()),
                )?;
                let Some(day) = day else { return Ok(None) };
                Some(day)
            }
            None => return Err(no_date(offer, typed)),
        };
        let (mut exemption, mut started) = (of.exempt.unwrap_or_default(), of.started_since_grant);
        // Who was asked anything is asked this, too: he may not know that there is such a thing.
        if asks && of.exempt.is_none() {
            (exemption, started) = self.exemption()?;
        }
        let is_public = |prefix: &&IpNet| !PRIVATE.iter().any(|private| private.contains(*prefix));
        let public: Vec<_> = args.mine.iter().filter(is_public).copied().collect();
        let public = IpNet::aggregate(&public);
        let facts = SenderFacts { offer, created, exemption, started_since_grant: started, public };
        if asks || of.created.is_none() && created.is_some() {
            let mine: String = args.mine.iter().map(|prefix| format!(" --mine {prefix}")).collect();
            let flags = facts.flags();
            let line = format!("note: without questions: egress25 {typed}{flags}{mine}");
            to_stderr(&in_a_line(&line));
        }
        Ok(Some(facts))
    }

    /// Where the exemption stands, and whether the machine was started since.
    fn exemption(&self) -> Result<(ExemptionState, bool), Failure> {
        let default = ExemptionState::default();
        let question = format!(
            "Where does its exemption from the block stand? ({}) [{}]",
            states(),
            default.name()
        );
        let state = ask_until(&question, self.may_skip, |text| match text {
            "" => Ok(default),
            text => text.parse().map_err(|error: UnknownState| error.to_string()),
        })?
        .unwrap_or_default();
        if state != ExemptionState::Granted {
            return Ok((state, false));
        }
        let question = "Was the machine stopped (deallocated) and started since the grant? [y/n]";
        let started = ask_until(question, self.may_skip, yes_or_no)?;
        Ok((state, started.unwrap_or(false)))
    }

    /// The answer to a question that may be left open, where it may.
    fn until<T>(
        &self,
        question: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Failure> {
        if !self.may_skip {
            return ask_until(question, false, read);
        }
        let answer = ask_until(&format!("{question} [not known]"), true, |text| match text {
            "" | "unknown" | "not known" => Ok(None),
            text => read(text).map(Some),
        })?;
        Ok(answer.flatten())
    }
}

/// The last address of a prefix but one, which stands for the others.
fn last_host(prefix: &IpNet) -> Option<IpAddr> {
    if prefix.prefix_len() == prefix.max_prefix_len() {
        return Some(prefix.addr());
    }
    match prefix.broadcast() {
        IpAddr::V4(last) => Some(IpAddr::V4(u32::from(last).checked_sub(1)?.into())),
        IpAddr::V6(last) => Some(IpAddr::V6(u128::from(last).checked_sub(1)?.into())),
    }
}

/// Values as TOML lists them.
fn list<T: ToString>(values: &[T]) -> String {
    let quoted: Vec<_> = values.iter().map(|value| format!("{:?}", value.to_string())).collect();
    format!("[{}]", quoted.join(", "))
}

/// Whether the day of creation counts for an offer in what judges.
fn date_counts(
    chosen: &ChosenEdition,
    set: &[(String, String)],
    offer: Offer,
) -> Result<bool, Failure> {
    let counts = |edition: &Arc<Edition>| -> Result<bool, Failure> {
        let settings: Settings = edition::settings(edition, set)?;
        Ok(creation_counts(edition, &settings, offer))
    };
    match chosen {
        ChosenEdition::One(edition) => counts(edition),
        ChosenEdition::ByDate => {
            let all = Edition::all()?;
            all.iter().try_fold(false, |any, edition| Ok(any || counts(edition)?))
        }
    }
}

fn nobody_said(typed: &str) -> Failure {
    let offers: Vec<_> = Offer::ALL.iter().map(|offer| offer.name()).collect();
    let mut lines = vec![
        "nothing says who sends; say the offer of its subscription and the day on which that was \
         created:"
            .to_owned(),
        format!("  egress25 {typed} --offer pay-as-you-go --created 2019-03-01"),
        format!(
            "and, where it is exempt: --exempt granted --started-since-grant. The offers are: {}",
            offers.join(", ")
        ),
    ];
    if !typed.starts_with("diagnose") && !typed.starts_with("init") {
        lines.push(
            "Or name what describes it: --inventory FILE (`egress25 init` and `egress25 import` \
             begin one), or --store PATH"
                .to_owned(),
        );
    }
    Failure::Lines(lines)
}

fn no_date(offer: Offer, typed: &str) -> Failure {
    Failure::Lines(vec![
        format!(
            "--created is missing: the rule for {offer} depends on the day on which the \
             subscription was created (Azure's API does not return it; the portal and the first \
             invoice show it):"
        ),
        format!("  egress25 {typed} --offer {offer} --created 2019-03-01"),
    ])
}

/// The states of an exemption, as they are typed.
fn states() -> String {
    let names: Vec<_> = ExemptionState::ALL.iter().map(|state| state.name()).collect();
    names.join(", ")
}

/// Asks until the answer is one, a few times. Where the question may be left open, there is none where
/// the input ends, or no answer is one.
fn ask_until<T>(
    question: &str,
    may_skip: bool,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Failure> {
    let mut said = String::new();
    for _ in 0..TRIES {
        let before = if said.is_empty() { String::new() } else { format!("{said}\n") };
        let question = format!("{before}{question}");
        let answer = match may_skip {
            true => ask_or_end(&question)?,
            false => Some(ask(&question)?),
        };
        let Some(answer) = answer else { return Ok(None) };
        match read(&answer) {
            Ok(answer) => return Ok(Some(answer)),
            Err(error) => said = error,
        }
    }
    match may_skip {
        true => {
            to_stderr(&in_a_line(&said));
            Ok(None)
        }
        false => Err(Failure::Usage(said)),
    }
}
