//! A capture file from its bytes to its counts.
#![expect(clippy::disallowed_methods, reason = "a bench is told by the environment what to do")]
#![expect(clippy::expect_used, reason = "a bench that cannot be set up ends there")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use egress25_benches::captures::write_pcap;
use egress25_benches::sets::{Mix, Set};
use egress25_benches::tables;
use egress25_packet_filter::capture::CaptureReader;
use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::FrameOptions;

fn measure(c: &mut Criterion) {
    let test = std::env::args().any(|argument| argument == "--test");
    let set = Set::of_bytes(Mix::Imix, if test { 8 << 20 } else { 256 << 20 }, 1_000, 25);
    let file = tempfile::NamedTempFile::new().expect("a file");
    write_pcap(&set, file.path()).expect("a capture");
    let mut group = c.benchmark_group("replay");
    group.throughput(Throughput::Bytes(set.bytes.len() as u64)).sample_size(10);
    let table = tables::of_machines(1_000).expect("a table");
    group.bench_function("read, judged and counted", |b| {
        b.iter(|| {
            let mut reader = CaptureReader::open(file.path()).expect("a capture");
            let mut filter = Filter::new(table.clone(), FrameOptions::default());
            let (mut packets, mut rulings) = (0, Vec::new());
            while let Some(batch) = reader.next_batch().expect("a batch") {
                filter.judge(&batch.frames(), &mut rulings);
                packets += batch.len();
            }
            assert_eq!((packets, filter.counters().judged()), (set.list.len(), set.syns));
        });
    });
    group.bench_function("records only", |b| {
        b.iter(|| {
            let mut reader = CaptureReader::open(file.path()).expect("a capture");
            let mut packets = 0;
            while reader.next_record().expect("a record").is_some() {
                packets += 1;
            }
            assert_eq!(packets, set.list.len());
        });
    });
    group.finish();
}

criterion_group!(benches, measure);
criterion_main!(benches);
