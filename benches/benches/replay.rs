//! A capture file from its bytes to its counts.
#![expect(clippy::disallowed_methods, reason = "a bench is told by the environment what to do")]
#![expect(clippy::expect_used, reason = "a bench that cannot be set up ends there")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use egress25_benches::captures::write_pcap;
use egress25_benches::sets::{Mix, Set};
use egress25_packet_filter::capture::CaptureReader;
use egress25_packet_filter::frame;
use egress25_packet_filter::sieve::Sieve;

fn measure(c: &mut Criterion) {
    let test = std::env::args().any(|argument| argument == "--test");
    let set = Set::of_bytes(Mix::Imix, if test { 8 << 20 } else { 256 << 20 }, 1_000, 25);
    let file = tempfile::NamedTempFile::new().expect("a file");
    write_pcap(&set, file.path()).expect("a capture");
    let mut group = c.benchmark_group("replay");
    group.throughput(Throughput::Bytes(set.bytes.len() as u64)).sample_size(10);
    group.bench_function("sieved in batches", |b| {
        let sieve = Sieve::new(frame::FrameOptions::default());
        b.iter(|| {
            let mut reader = CaptureReader::open(file.path()).expect("a capture");
            let (mut packets, mut syns, mut kept) = (0, 0, Vec::new());
            while let Some(batch) = reader.next_batch().expect("a batch") {
                kept.clear();
                sieve.keep(&batch.frames(), &mut kept);
                packets += batch.len();
                syns += kept.len() as u64;
            }
            assert_eq!((packets, syns), (set.list.len(), set.syns));
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
