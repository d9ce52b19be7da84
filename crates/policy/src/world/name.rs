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
#[error(
    "`{}` is no name: expected a text that is not blank, is no longer than {LONGEST_NAME} bytes and \
     has no control characters or others that show as nothing",
    beginning(text)
)]
pub struct UnfitName {
    /// The text.
    pub text: String,
}

/// The longest name, in bytes. Azure's own names end at 80 letters, with few exceptions; an import
/// adds the resource group and the subscription where two things have one name.
const LONGEST_NAME: usize = 512;

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
    if text.trim().is_empty() || text.len() > LONGEST_NAME || text.contains(acts_unseen) {
        return Err(UnfitName { text: text.to_owned() });
    }
    Ok(())
}
