//! NAT gateways, and which subnets and networks they stand on.

use std::net::IpAddr;

use crate::arm::public_address;
use crate::block::Block;
use crate::export::Export;
use crate::fields::{Fields, Look as _};
use crate::gaps::{GapKind, Gaps};
use crate::id::Id;
use crate::resource::{Kind, Resource};

/// The tables of NAT gateways.
pub(crate) fn blocks(export: &Export, gaps: &mut Gaps) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (name, gateway) in export.named(Kind::NatGateway) {
        let mut block = export.block(&["nat-gateway", name], &gateway.id);
        let v2 = is_v2(&gateway.fields);
        if v2 {
            block.text("sku", "standard-v2");
        }
        let mut addresses: Vec<IpAddr> = Vec::new();
        let mut missing = false;
        for id in references(&gateway.fields, ["publicipaddresses", "publicipaddressesv6"]) {
            let found = public_address::at(&export.resources, &id);
            missing |= found.is_none();
            addresses.extend(found);
        }
        for id in references(&gateway.fields, ["publicipprefixes", "publicipprefixesv6"]) {
            let found = public_address::within(&export.resources, &id);
            missing |= found.is_none();
            addresses.extend(found.into_iter().flatten());
        }
        missing |= ["publicipaddresses", "publicipprefixes"]
            .iter()
            .any(|key| gateway.fields.objects(key).any(|one| one.text("id").is_none()));
        // The IPv6 addresses of a Standard one would carry nothing.
        addresses.retain(|address| v2 || address.is_ipv4());
        block.list("addresses", addresses);
        if missing {
            block.gap(gaps, GapKind::PublicAddressMissing);
        }
        blocks.push(block);
    }
    blocks
}

fn references<'a>(
    fields: &'a Fields,
    keys: [&'static str; 2],
) -> impl Iterator<Item = Id> + use<'a> {
    keys.into_iter().flat_map(|key| fields.references(key).collect::<Vec<_>>())
}

fn is_v2(gateway: &Fields) -> bool {
    let sku = gateway.object("sku").and_then(|sku| sku.text("name"));
    sku.is_some_and(|sku| sku.eq_ignore_ascii_case("standardv2"))
}

/// The NAT gateway of a subnet, by its name: the subnet says which, or the gateway where.
pub(crate) fn of_subnet<'a>(
    export: &'a Export,
    subnet: &Resource,
) -> Option<Result<&'a str, GapKind>> {
    let told = subnet.fields.reference("natgateway");
    let stands_on =
        |gateway: &Resource| gateway.fields.references("subnets").any(|id| id == subnet.id);
    let told = told.or_else(|| {
        export
            .resources
            .of(Kind::NatGateway)
            .find(|gateway| stands_on(gateway))
            .map(|found| found.id.clone())
    })?;
    Some(export.name(Kind::NatGateway, &told).ok_or(GapKind::NatGatewayMissing))
}

/// The NAT gateway of a whole network, by its name.
pub(crate) fn of_network<'a>(export: &'a Export, network: &Resource) -> Option<&'a str> {
    let mut gateways = export.resources.of(Kind::NatGateway);
    let found = gateways.find(|gateway| {
        is_v2(&gateway.fields)
            && gateway.fields.reference("sourcevirtualnetwork").as_ref() == Some(&network.id)
    })?;
    export.name(Kind::NatGateway, &found.id)
}
