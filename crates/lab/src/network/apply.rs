//! What a plan says of links, addresses, routes and rules, done through rtnetlink.

use std::future::Future;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use futures_util::TryStreamExt;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags};
use rtnetlink::packet_route::route::RouteType;
use rtnetlink::packet_route::rule::RuleAction;
use rtnetlink::{Handle, LinkUnspec, LinkVeth, RouteMessageBuilder};
use tokio::runtime::Handle as Runtime;

use crate::error::LabError;
use crate::network::plan::{LinkEnd, Node, PlannedHop, PlannedRoute, PlannedRule};
use crate::network::space::{Space, sysctl};

/// Talks rtnetlink with the calling thread's network namespace: this thread opens the socket, and
/// waits while the runtime's moves what goes over it.
fn talk<T, F>(runtime: &Runtime, work: impl FnOnce(Handle) -> F) -> Result<T, LabError>
where
    F: Future<Output = Result<T, LabError>>,
{
    runtime.block_on(async {
        let (connection, handle, _) =
            rtnetlink::new_connection().map_err(LabError::system("opening rtnetlink"))?;
        let task = tokio::spawn(connection);
        let result = work(handle).await;
        task.abort();
        // Its socket would hold the namespace for a moment longer.
        let _ = task.await;
        result
    })
}

fn failed(place: &str, what: impl Into<String>) -> impl FnOnce(rtnetlink::Error) -> LabError {
    let (place, what) = (place.to_owned(), what.into());
    move |source| LabError::Network { place, what, source: Box::new(source) }
}

async fn index(handle: &Handle, place: &str, name: &str) -> Result<u32, LabError> {
    let mut links = handle.link().get().match_name(name.to_owned()).execute();
    let found = links.try_next().await.map_err(failed(place, format!("interface `{name}`")))?;
    found.map(|link| link.header.index).ok_or_else(|| LabError::System {
        what: format!("interface `{name}` of `{place}`"),
        source: std::io::ErrorKind::NotFound.into(),
    })
}

/// Makes a pair of interfaces, one end here and one in another namespace.
pub(crate) fn add_link(
    runtime: &Runtime,
    left: (&Space, &LinkEnd),
    right: (&Space, &LinkEnd),
    number: usize,
) -> Result<(), LabError> {
    let (space, end) = left;
    let there: BorrowedFd<'_> = right.0.network();
    let temporary = format!("tmp{number}");
    space.run(|| {
        talk(runtime, async |handle| {
            let what = format!("link `{}`", end.interface);
            let pair = LinkVeth::new(&end.interface, &temporary).build();
            handle.link().add(pair).execute().await.map_err(failed(space.name(), &what))?;
            let index = index(&handle, space.name(), &temporary).await?;
            let moved = LinkUnspec::new_with_index(index)
                .name(right.1.interface.clone())
                .setns_by_fd(there.as_raw_fd())
                .build();
            handle.link().set(moved).execute().await.map_err(failed(space.name(), &what))
        })
    })
}

/// Deletes an interface, and with it its other end, before this returns; it may be gone already.
pub(crate) fn remove_link(runtime: &Runtime, space: &Space, end: &LinkEnd) -> Result<(), LabError> {
    space.run(|| {
        talk(runtime, async |handle| {
            let what = format!("removing `{}`", end.interface);
            let index = match index(&handle, space.name(), &end.interface).await {
                Err(LabError::System { source, .. })
                    if source.kind() == std::io::ErrorKind::NotFound =>
                {
                    return Ok(());
                }
                found => found?,
            };
            handle.link().del(index).execute().await.map_err(failed(space.name(), what))
        })
    })
}

/// Takes a node's interface up or down. On the way up its addresses and routes come back.
pub(crate) fn set_link(
    runtime: &Runtime,
    space: &Space,
    node: &Node,
    end: &LinkEnd,
    up: bool,
) -> Result<(), LabError> {
    space.run(|| {
        talk(runtime, async |handle| {
            if up {
                raise(&handle, space.name(), end).await?;
                for route in node.routes.iter().filter(|r| r.interface == end.interface) {
                    add_route(&handle, space.name(), route).await?;
                }
                return Ok(());
            }
            let index = index(&handle, space.name(), &end.interface).await?;
            let message = LinkUnspec::new_with_index(index).down().build();
            let what = format!("taking `{}` down", end.interface);
            handle.link().set(message).execute().await.map_err(failed(space.name(), what))
        })
    })
}

/// Gives a node its addresses, rules and routes.
pub(crate) fn configure(
    runtime: &Runtime,
    space: &Space,
    node: &Node,
    ends: &[&LinkEnd],
) -> Result<(), LabError> {
    space.run(|| {
        parameters(node, ends);
        talk(runtime, async |handle| {
            let loopback = LinkEnd { node: 0, interface: "lo".to_owned(), addresses: vec![] };
            raise(&handle, space.name(), &loopback).await?;
            for end in ends {
                raise(&handle, space.name(), end).await?;
            }
            for rule in &node.rules {
                add_rule(&handle, space.name(), rule).await?;
            }
            for route in &node.routes {
                add_route(&handle, space.name(), route).await?;
            }
            Ok(())
        })
    })
}

/// The kernel parameters of a node. Where `/proc/sys` is read-only they cannot be set; a node
/// that has to forward then fails its probe, which says so.
fn parameters(node: &Node, ends: &[&LinkEnd]) {
    // Interfaces that are there already took their own over from the defaults before.
    let interfaces = ends.iter().map(|end| end.interface.as_str());
    for scope in ["all", "default"].into_iter().chain(interfaces) {
        sysctl(&format!("net/ipv4/conf/{scope}/rp_filter"), "0");
        sysctl(&format!("net/ipv4/conf/{scope}/send_redirects"), "0");
        sysctl(&format!("net/ipv4/conf/{scope}/accept_redirects"), "0");
        sysctl(&format!("net/ipv4/conf/{scope}/accept_source_route"), "0");
        // A link that comes up says so: whoever asked for it in vain a moment ago would go on
        // for seconds to take it for unreachable.
        sysctl(&format!("net/ipv4/conf/{scope}/arp_notify"), "1");
        sysctl(&format!("net/ipv6/conf/{scope}/ndisc_notify"), "1");
        sysctl(&format!("net/ipv6/conf/{scope}/accept_dad"), "0");
        sysctl(&format!("net/ipv6/conf/{scope}/dad_transmits"), "0");
        sysctl(&format!("net/ipv6/conf/{scope}/accept_ra"), "0");
        sysctl(&format!("net/ipv6/conf/{scope}/accept_redirects"), "0");
        sysctl(&format!("net/ipv6/conf/{scope}/keep_addr_on_down"), "1");
        if node.kind == crate::network::plan::NodeKind::Wires {
            sysctl(&format!("net/ipv6/conf/{scope}/disable_ipv6"), "1");
        }
    }
    let forwards = if node.forwards { "1" } else { "0" };
    sysctl("net/ipv4/ip_forward", forwards);
    sysctl("net/ipv6/conf/all/forwarding", forwards);
    // Anybody in the node may ping and listen on low ports, as root may in a machine.
    sysctl("net/ipv4/ping_group_range", "0 2147483647");
    sysctl("net/ipv4/ip_unprivileged_port_start", "0");
}

async fn raise(handle: &Handle, place: &str, end: &LinkEnd) -> Result<(), LabError> {
    let what = format!("interface `{}`", end.interface);
    let index = index(handle, place, &end.interface).await?;
    let message = LinkUnspec::new_with_index(index).up().build();
    handle.link().set(message).execute().await.map_err(failed(place, &what))?;
    for address in &end.addresses {
        let what = format!("address {address} of `{}`", end.interface);
        let mut request = handle.address().add(index, address.addr(), address.prefix_len());
        if address.addr().is_ipv6() {
            // Nobody else has it; without this it could not be used for a second.
            let flags = AddressAttribute::Flags(AddressFlags::Nodad);
            request.message_mut().attributes.push(flags);
        }
        request.replace().execute().await.map_err(failed(place, what))?;
    }
    Ok(())
}

/// Puts a rule in force at a node, or takes it away; either may be so already.
pub(crate) fn set_rule(
    runtime: &Runtime,
    space: &Space,
    rule: &PlannedRule,
    on: bool,
) -> Result<(), LabError> {
    space.run(|| {
        talk(runtime, async |handle| {
            for family in [AddressFamily::Inet, AddressFamily::Inet6] {
                let mut known = rule_for(&handle, rule, family);
                // There may be none.
                let _ = handle.rule().del(known.message_mut().clone()).execute().await;
            }
            if on { add_rule(&handle, space.name(), rule).await } else { Ok(()) }
        })
    })
}

fn rule_for(
    handle: &Handle,
    rule: &PlannedRule,
    family: AddressFamily,
) -> rtnetlink::RuleAddRequest<()> {
    let mut request = handle
        .rule()
        .add()
        .table_id(rule.table)
        .priority(rule.priority)
        .action(RuleAction::ToTable);
    if let Some(interface) = &rule.interface {
        request = request.input_interface(interface.clone());
    }
    request.message_mut().header.family = family;
    request
}

async fn add_rule(handle: &Handle, place: &str, rule: &PlannedRule) -> Result<(), LabError> {
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let what = format!("rule for table {}", rule.table);
        rule_for(handle, rule, family).execute().await.map_err(failed(place, what))?;
    }
    Ok(())
}

async fn add_route(handle: &Handle, place: &str, route: &PlannedRoute) -> Result<(), LabError> {
    let what = format!("route to {} in table {}", route.prefix, route.table);
    let kind = match route.hop {
        PlannedHop::Direct | PlannedHop::Via(_) => RouteType::Unicast,
        PlannedHop::Throw => RouteType::Throw,
        PlannedHop::Blackhole => RouteType::BlackHole,
    };
    let address: IpAddr = route.prefix.trunc().addr();
    let mut builder = RouteMessageBuilder::<IpAddr>::new()
        .destination_prefix(address, route.prefix.prefix_len())
        .map_err(|error| LabError::input(what.clone(), error.to_string()))?
        .table_id(route.table)
        .kind(kind);
    if kind == RouteType::Unicast {
        builder = builder.output_interface(index(handle, place, &route.interface).await?);
    }
    if let PlannedHop::Via(next) = route.hop {
        builder = builder
            .gateway(next)
            .map_err(|error| LabError::input(what.clone(), error.to_string()))?
            .onlink();
    }
    let request = handle.route().add(builder.build()).replace();
    request.execute().await.map_err(failed(place, what))
}
