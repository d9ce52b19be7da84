//! The offer that flags tell: as given, or recognised from the quota id; never guessed.

use egress25_policy::{ExemptionState, Offer, Recognised, how_to_tell_apart, recognise_quota_id};

use crate::args::SubscriptionArgs;
use crate::say::failure::Failure;

/// The offer; `None` where nothing says one.
///
/// # Errors
/// What is said does not fit together, or the quota id alone does not tell.
pub fn offer(args: &SubscriptionArgs) -> Result<Option<Offer>, Failure> {
    let Some(quota_id) = &args.quota_id else { return Ok(args.offer) };
    match (recognise_quota_id(quota_id), args.offer) {
        (Recognised::NoMachines, _) => {
            Err(Failure::Usage(format!("`{quota_id}` is a support plan: there are no machines")))
        }
        (Recognised::One(found), Some(given)) if found != given => Err(Failure::Usage(format!(
            "--quota-id `{quota_id}` means {found}, but --offer says {given}; drop one of them"
        ))),
        (Recognised::One(found), _) => Ok(Some(found)),
        (Recognised::Several(offers), Some(given)) if offers.contains(&given) => Ok(Some(given)),
        (Recognised::Several(offers), given) => {
            let names: Vec<_> = offers.iter().map(|offer| offer.name()).collect();
            let but = given.map_or(String::new(), |given| format!(", and {given} is none of them"));
            let how = how_to_tell_apart(&offers).map_or(String::new(), |how| format!(" ({how})"));
            Err(Failure::Usage(format!(
                "`{quota_id}` serves several offers{but}; say which with --offer: {}{how}",
                names.join(", ")
            )))
        }
        (Recognised::Unknown | Recognised::Unnamed, Some(given)) => Ok(Some(given)),
        (Recognised::Unnamed, None) => Err(Failure::Usage(format!(
            "`{quota_id}` is that of a trial that no edition of the article names; say the offer \
             whose rule is to count with --offer"
        ))),
        (Recognised::Unknown, None) => Err(Failure::Usage(format!(
            "`{quota_id}` is no quota id that the table knows; say the offer with --offer"
        ))),
    }
}

/// The exemption that flags tell.
///
/// # Errors
/// A flag says that it has reached a machine, and it was not granted.
pub fn reached_only_if_granted(args: &SubscriptionArgs, flag: Option<&str>) -> Result<(), Failure> {
    match flag.filter(|_| args.exempt != Some(ExemptionState::Granted)) {
        Some(flag) => Err(Failure::Usage(format!("--{flag} needs --exempt granted"))),
        None => Ok(()),
    }
}
