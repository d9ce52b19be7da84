//! Azure's resources, a file a type: what of them stands in an inventory.

pub(crate) mod effective;
pub(crate) mod firewall;
pub(crate) mod gateway;
pub(crate) mod interface;
pub(crate) mod load_balancer;
pub(crate) mod machine;
pub(crate) mod nat_gateway;
pub(crate) mod network;
pub(crate) mod public_address;
pub(crate) mod route_table;
pub(crate) mod scale_set;
pub(crate) mod security_group;
pub(crate) mod subscription;
