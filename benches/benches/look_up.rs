//! Judging SYNs to port 25, which is looking up their senders in tables of several sizes, and their
//! destinations among user-defined routes.
#![expect(clippy::expect_used, reason = "a bench that cannot be set up ends there")]

use std::net::Ipv4Addr;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use egress25_benches::contenders::{Contender as _, Ours};
use egress25_benches::sets::{FIRST_SENDER, Mix, Set};
use egress25_benches::{is_test, tables};
use egress25_packet_filter::sieve::Vectors;
use egress25_packet_filter::table::TableBuilder;
use egress25_policy::{NetworkName, Reason};

const SYNS: usize = 1 << 16;

fn senders(c: &mut Criterion) {
    let sizes: &[u32] = if is_test() { &[1_000] } else { &[1_000, 100_000, 1_000_000, 10_000_000] };
    let mut group = c.benchmark_group("look up senders");
    group.throughput(Throughput::Elements(SYNS as u64));
    for machines in sizes {
        let table = tables::of_machines(*machines).expect("a table of that size");
        let set = Set::new(Mix::All, SYNS, *machines, 25);
        let mut ours = Ours::new(&table, Vectors::best());
        group.bench_function(format!("{machines}"), |b| b.iter(|| ours.go(&set)));
    }
    group.finish();
}

fn routes(c: &mut Criterion) {
    let mut group = c.benchmark_group("look up user-defined routes");
    group.throughput(Throughput::Elements(SYNS as u64));
    for count in [4, 40, 400] {
        let mut builder = TableBuilder::default();
        let network = builder.network(&NetworkName::from("routes"));
        let place = builder.place(network, &tables::with_user_routes(count)).expect("a place");
        for number in 0..1_000 {
            let address = Ipv4Addr::from(FIRST_SENDER + number).into();
            builder.address(place, address, None, Reason::Exempt).expect("an address");
        }
        let table = Arc::new(builder.build(1).expect("a table"));
        let set = Set::new(Mix::All, SYNS, 1_000, 25);
        let mut ours = Ours::new(&table, Vectors::best());
        group.bench_function(format!("{count}"), |b| b.iter(|| ours.go(&set)));
    }
    group.finish();
}

criterion_group!(benches, senders, routes);
criterion_main!(benches);
