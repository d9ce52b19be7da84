//! A capture file from its bytes to its counts.
#![expect(clippy::expect_used, reason = "a bench that cannot be set up ends there")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use egress25_benches::captures::write_pcap;
use egress25_benches::sets::{Mix, Set};
use egress25_benches::{is_test, tables};
use egress25_packet_filter::capture::CaptureReader;
use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::FrameOptions;
use egress25_packet_filter::sieve::Vectors;

/// The pipeline that `replay --summary --format json` is: read, framed, judged, counted. On every
/// level of vectors, for each mix.
fn pipeline(c: &mut Criterion) {
    let table = tables::of_machines(1_000).expect("a table");
    for mix in Mix::ALL {
        let set = Set::of_bytes(mix, if is_test() { 2 << 20 } else { 256 << 20 }, 1_000, 25);
        let file = tempfile::NamedTempFile::new().expect("a file");
        write_pcap(&set, file.path()).expect("a capture");
        let mut group = c.benchmark_group(format!("replay {}", mix.name()));
        let packets = u64::try_from(set.list.len()).expect("a count");
        group.throughput(Throughput::Elements(packets)).sample_size(10);
        let levels = Vectors::ALL.iter().copied().filter(|level| level.is_here());
        for level in levels {
            group.bench_function(level.to_string(), |b| {
                b.iter(|| {
                    let mut reader = CaptureReader::open(file.path()).expect("a capture");
                    let mut filter = Filter::new(table.clone(), FrameOptions::default());
                    filter.set_vectors(level);
                    let (mut packets, mut rulings) = (0, Vec::new());
                    while let Some(batch) = reader.next_batch().expect("a batch") {
                        filter.judge(&batch.frames(), &mut rulings);
                        packets += batch.len();
                    }
                    assert_eq!((packets, filter.counters().judged()), (set.list.len(), set.syns));
                });
            });
        }
        group.bench_function("read and framed", |b| {
            b.iter(|| {
                let mut reader = CaptureReader::open(file.path()).expect("a capture");
                let mut packets = 0;
                while let Some(batch) = reader.next_batch().expect("a batch") {
                    packets += batch.len();
                }
                assert_eq!(packets, set.list.len());
            });
        });
        group.finish();
    }
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
