//! Replacing entries while packets are judged.
#![expect(clippy::expect_used, reason = "a bench that cannot be set up ends there")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use egress25_benches::contenders::{Contender, Ours};
use egress25_benches::sets::{Mix, Set};
use egress25_benches::{is_test, tables, update};
use egress25_packet_filter::sieve::Vectors;

fn measure(c: &mut Criterion) {
    let machines = if is_test() { 1_000 } else { 100_000 };
    let table = tables::of_machines(machines).expect("a table of that size");
    let set = Set::new(Mix::Half, 65_536, machines, 25);
    let mut group = c.benchmark_group("judge while entries are replaced");
    group.throughput(Throughput::Elements(set.list.len() as u64));
    let mut ours = Ours::new(&table, Vectors::best());
    for per_second in [0, 100_000] {
        group.bench_function(format!("{per_second} a second"), |b| {
            update::while_updating(&table, machines, per_second, || b.iter(|| ours.go(&set)));
        });
    }
    group.finish();
    let slot = update::slot_of(&table, 7);
    c.bench_function("replace one entry", |b| {
        b.iter(|| slot.map(|slot| table.replace(slot, tables::edge_of(7))));
    });
}

criterion_group!(benches, measure);
criterion_main!(benches);
