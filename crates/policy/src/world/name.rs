//! Names of the things in a world: short texts that an inventory gives them.

use crate::text::{acts_unseen, in_a_line};

names! {
    /// A subscription's name in the inventory (not its GUID).
    SubscriptionName;
    /// A virtual network's name.
    NetworkName;
    /// A subnet's name, unique within its network.
    SubnetName;
    /// A machine's name.
    MachineName;
    /// A route table's name.
    RouteTableName;
    /// An Azure Firewall's name.
    FirewallName;
    /// A NAT gateway's name.
    NatGatewayName;
    /// A load balancer's name.
    LoadBalancerName;
    /// A network security group's name.
    SecurityGroupName;
    /// An application security group's name.
    ApplicationSecurityGroupName;
    /// The name of a collection of security admin rules.
    AdminRulesName;
}

/// A text that nothing can be called by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no name: {why}", beginning(text))]
pub struct UnfitName {
    /// The text.
    pub text: String,
    /// Why nothing can.
    pub why: Unfit,
}

/// Why nothing can be called by a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is empty, or has white space alone.
    #[error("it is blank")]
    Blank,
    /// It is longer than [`LONGEST_NAME`].
    #[error("it has {bytes} bytes, and {LONGEST_NAME} are the most")]
    Long {
        /// How long it is.
        bytes: usize,
    },
    /// It has a control character or another sign that [`acts_unseen`].
    #[error("it has U+{:04X} in it, a sign that is not seen; leave it out", u32::from(*sign))]
    Unseen {
        /// The first such sign.
        sign: char,
    },
}

/// The longest name, in bytes. Azure's own names end at 80 letters, with few exceptions; an import
/// adds the resource group and the subscription where two things have one name.
pub const LONGEST_NAME: usize = 512;

/// How much of a text is repeated that is no name, in letters.
const SHOWN: usize = 100;

/// The beginning of a text, as people may see it.
fn beginning(text: &str) -> String {
    let beginning: String = text.chars().take(SHOWN).collect();
    let cut = if beginning.len() < text.len() { "…" } else { "" };
    format!("{}{cut}", in_a_line(&beginning))
}

/// Refuses a text by which nothing new is called: a blank one, one that is too long, or one with
/// signs that show as nothing, such as the end of a line or what turns the direction of writing.
///
/// # Errors
/// It is such a text.
pub fn fit_for_a_name(text: &str) -> Result<(), UnfitName> {
    let why = if text.trim().is_empty() {
        Unfit::Blank
    } else if text.len() > LONGEST_NAME {
        Unfit::Long { bytes: text.len() }
    } else if let Some(sign) = text.chars().find(|sign| acts_unseen(*sign)) {
        Unfit::Unseen { sign }
    } else {
        return Ok(());
    };
    Err(UnfitName { text: text.to_owned(), why })
}
