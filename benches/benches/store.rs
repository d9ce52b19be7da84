//! The exemption store: appends a second, durable, alone and in groups; the fold of a long log;
//! opening one; how long a watch takes to see an entry.
//!
//! `EGRESS25_BENCH_EVENTS` says how long the log is (1,000,000 by default; 20,000 when the bench
//! is only tried).
#![expect(clippy::disallowed_methods, reason = "a bench is told by the environment what to do")]
#![expect(clippy::expect_used, reason = "a bench that cannot go on stops")]

use std::hint::black_box;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use egress25_exemption_store::{
    ExpectedRevision, Fold, Genesis, NewEntry, SqliteLog, SqliteOptions, Store, StorePlace,
};
use egress25_policy::{Event, EventKind, MachineName, Offer, Placement, Power};
use jiff::Timestamp;

const SUBSCRIPTIONS: usize = 1000;
const MACHINES: usize = 10;

fn entry(kind: EventKind) -> NewEntry {
    let at = Timestamp::UNIX_EPOCH;
    NewEntry::new(Event { at, edition: None, kind }, at, "bench")
}

/// A store with 1,000 subscriptions of 10 machines each.
fn begin(path: &Path) -> Store {
    let genesis = Genesis::new(Timestamp::UNIX_EPOCH, "2020-12");
    let log = SqliteLog::create(&StorePlace::from(path), &genesis, SqliteOptions::default())
        .expect("a new store");
    let mut store = Store::open(log).expect("an empty store");
    let space = "10.0.0.0/8".parse().expect("a prefix");
    let mut batch =
        vec![entry(EventKind::NetworkAdded { network: "hub".into(), address_space: vec![space] })];
    for subscription in 0..SUBSCRIPTIONS {
        let name = format!("subscription-{subscription}");
        batch.push(entry(EventKind::SubscriptionAdded {
            subscription: name.as_str().into(),
            offer: Offer::PayAsYouGo,
            created: "2019-03-01".parse().expect("a date"),
        }));
        for machine in 0..MACHINES {
            let address = format!("10.{}.{}.{}", subscription / 250, subscription % 250, machine);
            batch.push(entry(EventKind::MachineDeployed {
                machine: MachineName::new(format!("machine-{subscription}-{machine}")),
                placement: Some(Placement {
                    subscription: name.as_str().into(),
                    network: "hub".into(),
                    subnet: None,
                    addresses: vec![address.parse().expect("an address")],
                }),
            }));
        }
    }
    store.append(ExpectedRevision::At(0), &batch).expect("the beginning");
    store
}

/// The next step of a machine's endless circle: deallocated, started, deallocated.
fn circle(store: &Store, number: usize) -> NewEntry {
    let subscription = number % SUBSCRIPTIONS;
    let machine =
        MachineName::new(format!("machine-{subscription}-{}", number / SUBSCRIPTIONS % MACHINES));
    let power = store.world().machines().get(&machine).map(|found| found.state.power);
    entry(match power {
        Some(Power::Running) => EventKind::MachineDeallocated { machine },
        _ => EventKind::MachineStarted { machine },
    })
}

fn appends(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = begin(&folder.path().join("store.db"));
    let mut number = 0;
    let mut group = criterion.benchmark_group("store/append");
    for size in [1, 100, 1000] {
        group.throughput(Throughput::Elements(u64::try_from(size).expect("small")));
        group.sample_size(20).bench_function(format!("{size} at once"), |bencher| {
            bencher.iter(|| {
                let batch: Vec<_> = (0..size).map(|one| circle(&store, number + one)).collect();
                number += size;
                store.append(ExpectedRevision::Any, &batch).expect("appended")
            });
        });
    }
    group.finish();
}

/// How many entries the long log has.
fn length() -> usize {
    let tried = egress25_benches::is_test();
    let given = std::env::var("EGRESS25_BENCH_EVENTS").ok().and_then(|text| text.parse().ok());
    given.unwrap_or(if tried { 20_000 } else { 1_000_000 })
}

fn long_log(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let mut store = begin(&path);
    let mut number = 0;
    while usize::try_from(store.head().revision).expect("small") < length() {
        // One machine of each subscription in turn.
        let batch: Vec<_> = (0..1000).map(|one| circle(&store, number + one)).collect();
        number += 1000;
        store.append(ExpectedRevision::Any, &batch).expect("appended");
    }
    let head = store.head();
    drop(store);

    let mut group = criterion.benchmark_group("store/long log");
    group.sample_size(10).throughput(Throughput::Elements(head.revision));
    group.bench_function("fold from the beginning", |bencher| {
        let log = SqliteLog::open(&path, SqliteOptions::default()).expect("the log");
        let genesis = log.genesis().expect("its beginning");
        bencher.iter(|| {
            let mut fold = Fold::begin(&genesis).expect("the beginning");
            loop {
                let page = log.read(fold.head().revision, 1024).expect("a page");
                if page.is_empty() {
                    break;
                }
                for sealed in &page {
                    black_box(fold.take(sealed).expect("it fits"));
                }
            }
            assert_eq!(fold.head(), head);
        });
    });
    group.bench_function("open", |bencher| {
        bencher.iter(|| {
            let log = SqliteLog::open(&path, SqliteOptions::default()).expect("the log");
            let store = Store::open(log).expect("the store");
            assert_eq!(store.head(), head);
            store
        });
    });
    group.finish();
}

/// From the moment at which an append returns to the one at which a follower has the entry.
fn watch(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = begin(&folder.path().join("store.db"));
    let mut follower = store.follow().expect("a follower");
    let (seen, sees) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        loop {
            let mut gone = false;
            follower.poll(Duration::from_millis(200), |entry, _, _| {
                gone |= seen.send((entry.revision, Instant::now())).is_err();
                gone |= entry.who == "end";
            });
            if gone {
                break;
            }
        }
    });
    let mut number = 0;
    criterion.benchmark_group("store/watch").sample_size(20).bench_function(
        "append returned to entry seen",
        |bencher| {
            bencher.iter_custom(|rounds| {
                let mut total = Duration::ZERO;
                for _ in 0..rounds {
                    let done = store.append(ExpectedRevision::Any, &[circle(&store, number)]);
                    let acknowledged = Instant::now();
                    number += 1;
                    let revision = done.expect("appended").first().map(|one| one.entry.revision);
                    let (found, at) = sees.recv().expect("the reader");
                    assert_eq!(Some(found), revision);
                    total += at.saturating_duration_since(acknowledged);
                }
                total
            });
        },
    );
    let end = NewEntry { who: "end".to_owned(), ..circle(&store, number) };
    store.append(ExpectedRevision::Any, &[end]).expect("appended");
    reader.join().expect("the reader");
}

criterion_group!(store, appends, watch, long_log);
criterion_main!(store);
