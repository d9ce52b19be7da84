//! The addresses that an edge translates between a network and the Internet.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::error::LabError;
use crate::network::plan::{PublicAddress, Translation};
use crate::network::space::Space;

/// A translation of one address, of what begins a connection.
struct AddressRule {
    /// Whether it is of what comes in from the Internet: its destination. Otherwise the source of
    /// what goes out.
    inward: bool,
    /// The address; `None`: any.
    of: Option<IpAddr>,
    /// What stands there afterwards.
    to: IpAddr,
}

/// What an edge translates: the first that fits.
fn rules(translation: &Translation) -> Vec<AddressRule> {
    let Translation { shared, public, .. } = translation;
    let mut rules = Vec::new();
    for PublicAddress { public, private } in public {
        let inward = |to: &IpAddr| AddressRule { inward: true, of: Some(*public), to: *to };
        let outward = |of: &IpAddr| AddressRule { inward: false, of: Some(*of), to: *public };
        rules.extend(private.first().map(inward));
        rules.extend(private.iter().map(outward));
    }
    rules.extend(shared.iter().map(|to| AddressRule { inward: false, of: None, to: *to }));
    rules
}

/// Translates addresses at an edge, and no others from now on: with nftables, or iptables. What is
/// connected already stays so.
pub(crate) fn translate(space: &Space, translation: &Translation) -> Result<(), LabError> {
    let (rules, interface) = (rules(translation), translation.interface.as_str());
    if space.demand(&["nft", "-f", "-"], &nft_script(&rules, interface)).is_ok() {
        return Ok(());
    }
    for program in ["iptables", "ip6tables"] {
        space.demand(&[program, "-t", "nat", "-F"], "")?;
    }
    for AddressRule { inward, of, to } in rules {
        let program = if to.is_ipv4() { "iptables" } else { "ip6tables" };
        let [chain, port, field, target, option] = match inward {
            true => ["PREROUTING", "-i", "-d", "DNAT", "--to-destination"],
            false => ["POSTROUTING", "-o", "-s", "SNAT", "--to-source"],
        };
        let (of, to) = (of.map(|of| of.to_string()), to.to_string());
        let mut command = vec![program, "-t", "nat", "-A", chain, port, interface];
        command.extend(of.iter().flat_map(|of| [field, of]));
        command.extend(["-j", target, option, &to]);
        space.demand(&command, "")?;
    }
    Ok(())
}

fn nft_script(rules: &[AddressRule], interface: &str) -> String {
    let (mut outward, mut inward) = (String::new(), String::new());
    for rule in rules {
        let (family, ip) = if rule.to.is_ipv4() { ("ipv4", "ip") } else { ("ipv6", "ip6") };
        let (text, port, field, verb) = match rule.inward {
            true => (&mut inward, "iifname", "daddr", "dnat"),
            false => (&mut outward, "oifname", "saddr", "snat"),
        };
        let of = rule.of.map_or_else(String::new, |of| format!("{ip} {field} {of} "));
        let _ = writeln!(
            text,
            "meta nfproto {family} {port} \"{interface}\" {of}{verb} {ip} to {}",
            rule.to
        );
    }
    format!(
        "table inet edge\ndelete table inet edge\ntable inet edge {{\n\
         chain source {{\ntype nat hook postrouting priority 100\n{outward}}}\n\
         chain destination {{\ntype nat hook prerouting priority -100\n{inward}}}\n}}\n"
    )
}
