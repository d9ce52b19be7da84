//! Classifying: three mixes, two sizes of the set, several sizes of the table, and the peers.
#![expect(clippy::expect_used, reason = "a bench that cannot be set up ends there")]

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use egress25_benches::contenders::{Contender, Ours, Sum, Touch};
use egress25_benches::peers;
use egress25_benches::sets::{Mix, Set};
use egress25_benches::{is_test, tables};
use egress25_packet_filter::sieve::Vectors;

fn measure(c: &mut Criterion) {
    let sizes: &[u32] = if is_test() { &[1_000] } else { &[1_000, 100_000, 1_000_000, 10_000_000] };
    let memory = if is_test() { 1 << 20 } else { 1 << 30 };
    for machines in sizes {
        let table = tables::of_machines(*machines).expect("a table of that size");
        for mix in Mix::ALL {
            let sets = [
                ("cache", Set::new(mix, if is_test() { 4_096 } else { 65_536 }, *machines, 25)),
                ("memory", Set::of_bytes(mix, memory, *machines, 25)),
            ];
            for (size, set) in &sets {
                let mut contenders: Vec<Box<dyn Contender + '_>> =
                    vec![Box::new(Touch), Box::new(Sum)];
                let levels = Vectors::ALL.iter().filter(|level| level.is_here());
                contenders.extend(
                    levels.map(|level| Box::new(Ours::new(&table, *level)) as Box<dyn Contender>),
                );
                #[cfg(feature = "dpdk")]
                if *machines <= 10_000 {
                    contenders.push(Box::new(peers::acl::RteAcl::new(*machines).expect("DPDK")));
                }
                if *machines == 100_000 || is_test() {
                    contenders.push(Box::new(peers::pnet::PnetCheck));
                    contenders
                        .push(Box::new(peers::etherparse_map::EtherparseAndMap::new(*machines)));
                    #[cfg(feature = "libpcap")]
                    contenders.push(Box::new(peers::bpf::BpfFilter::new().expect("libpcap")));
                    #[cfg(feature = "dpdk")]
                    for compiled in peers::jit::RteBpf::both(set).expect("DPDK") {
                        contenders.push(Box::new(compiled));
                    }
                }
                run(c, &format!("{}/{size}/{machines} machines", mix.name()), set, contenders);
            }
        }
    }
}

fn run(c: &mut Criterion, name: &str, set: &Set, contenders: Vec<Box<dyn Contender + '_>>) {
    let mut group = c.benchmark_group(name.replace("/25", " to 25"));
    group.throughput(Throughput::Elements(set.list.len() as u64));
    group.sample_size(10).measurement_time(Duration::from_secs(2));
    for mut contender in contenders {
        let hits = contender.go(set);
        assert!(hits.is_none_or(|hits| hits == set.syns), "{}: {hits:?}", contender.name());
        group.bench_function(contender.name(), |b| b.iter(|| contender.go(set)));
    }
    group.finish();
}

criterion_group!(benches, measure);
criterion_main!(benches);
