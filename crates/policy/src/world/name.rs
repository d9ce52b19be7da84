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
}
