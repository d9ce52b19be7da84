//! Azure Firewalls.

use std::net::IpAddr;

use crate::block::Block;
use crate::export::Export;
use crate::fields::Look as _;
use crate::gaps::{GapKind, Gaps};
use crate::resource::Kind;

/// The tables of firewalls.
pub(crate) fn blocks(export: &Export, gaps: &mut Gaps) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (name, firewall) in export.named(Kind::Firewall) {
        let mut block = export.block(&["firewall", name], &firewall.id);
        let fields = &firewall.fields;
        block.text("subscription", export.subscription(&firewall.id));
        let first = fields.objects("ipconfigurations").find(|one| one.contains_key("subnet"));
        let subnet = first.and_then(|one| one.reference("subnet"));
        let subnet = subnet.as_ref().and_then(|id| export.subnet(id));
        let address: Option<IpAddr> = first.and_then(|one| one.address("privateipaddress"));
        match (fields.object("virtualhub"), subnet, address) {
            (Some(_), None, _) => block.off(gaps, GapKind::FirewallInHub),
            (_, Some((network, subnet)), Some(address)) => {
                block.text("network", network);
                block.text("subnet", subnet);
                block.text("address", &address.to_string());
                block.gap(gaps, GapKind::FirewallPolicy);
            }
            (_, None, _) => block.off(gaps, GapKind::NetworkMissing),
            (_, _, None) => block.off(gaps, GapKind::NoAddress),
        }
        blocks.push(block);
    }
    blocks
}
