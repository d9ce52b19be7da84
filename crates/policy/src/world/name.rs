//! Names of the things in a world: short texts that an inventory gives them.

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
#[error("`{}` is no name: expected a text that is not blank and has no control characters", text.escape_debug())]
pub struct UnfitName {
    /// The text.
    pub text: String,
}

/// Refuses a text by which nothing new is called: a blank one, or one with control characters,
/// such as the end of a line.
///
/// # Errors
/// It is such a text.
pub fn fit_for_a_name(text: &str) -> Result<(), UnfitName> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err(UnfitName { text: text.to_owned() });
    }
    Ok(())
}
