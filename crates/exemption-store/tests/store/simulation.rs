//! A simulation with a seed: writers, a clock that jumps, consumers and restarts,
//! against a model that keeps nothing but a list.

use std::collections::BTreeMap;
use std::time::Duration;

use egress25_exemption_store::{
    AppendOutcome, ExpectedRevision, Follower, FollowerState, LogError, NewEntry, SqliteLog, Store,
    StoreError, verify,
};
use egress25_policy::{Event, EventKind, Timeline, World};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::common::{Rng, any_kind, at, create, keyed, number, open, setup, state};

/// One step. Numbers choose among what there is at that moment.
#[derive(Debug, Clone)]
enum Step {
    /// A writer appends some event, allowed or not.
    Append { writer: usize, choice: u64, keyed: bool },
    /// A writer appends several events at once.
    Batch { writer: usize, choices: Vec<u64> },
    /// A writer expects the log to end somewhere else.
    Astray { writer: usize, choice: u64, off: u64 },
    /// A writer that heard no answer tries an earlier entry again.
    Again { writer: usize, which: usize },
    /// The clock is set.
    Clock { to: i64 },
    /// Time passes.
    Tick { seconds: i64 },
    /// A writer's process ends and starts again.
    Restart { writer: usize },
    /// A consumer looks.
    Look { consumer: usize },
    /// A consumer's process ends and starts again.
    Replace { consumer: usize },
    /// Somebody asks about the past.
    Past { at: i64 },
}

const TEN_YEARS: i64 = 10 * 365 * 86_400;

fn step() -> impl Strategy<Value = Step> {
    let who = 0..2_usize;
    prop_oneof![
        30 => (who.clone(), any::<u64>(), any::<bool>())
            .prop_map(|(writer, choice, keyed)| Step::Append { writer, choice, keyed }),
        3 => (who.clone(), prop::collection::vec(any::<u64>(), 0..4))
            .prop_map(|(writer, choices)| Step::Batch { writer, choices }),
        3 => (who.clone(), any::<u64>(), 1..4_u64)
            .prop_map(|(writer, choice, off)| Step::Astray { writer, choice, off }),
        3 => (who.clone(), any::<usize>())
            .prop_map(|(writer, which)| Step::Again { writer, which }),
        2 => prop_oneof![Just(-TEN_YEARS), Just(0), Just(TEN_YEARS)]
            .prop_map(|to| Step::Clock { to }),
        5 => (0..1000_i64).prop_map(|seconds| Step::Tick { seconds }),
        1 => who.clone().prop_map(|writer| Step::Restart { writer }),
        6 => who.clone().prop_map(|consumer| Step::Look { consumer }),
        1 => who.prop_map(|consumer| Step::Replace { consumer }),
        1 => (-TEN_YEARS..TEN_YEARS).prop_map(|at| Step::Past { at }),
    ]
}

/// What was acknowledged, in order, and the world that it leads to.
struct Model {
    world: World,
    events: Vec<Event>,
    keys: BTreeMap<String, (u64, EventKind)>,
}

impl Model {
    /// Takes what the store acknowledged, if the model would have, too.
    fn take(&mut self, asked: &NewEntry, got: &Event) {
        assert_eq!((&asked.event.kind, &asked.event.edition), (&got.kind, &got.edition));
        assert!(got.at >= asked.event.at);
        // A time is only ever raised to that of something earlier.
        assert!(got.at == asked.event.at || self.events.iter().any(|event| event.at == got.at));
        self.world.apply(got).unwrap();
        self.events.push(got.clone());
        if let Some(key) = &asked.key {
            let revision = u64::try_from(self.events.len()).unwrap();
            self.keys.insert(key.clone(), (revision, got.kind.clone()));
        }
    }

    fn revision(&self) -> u64 {
        u64::try_from(self.events.len()).unwrap()
    }
}

struct Simulation {
    _folder: tempfile::TempDir,
    path: std::path::PathBuf,
    writers: Vec<Store>,
    consumers: Vec<Follower>,
    model: Model,
    clock: i64,
}

impl Simulation {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let first = create(&path);
        let (world, events) = first.history().unwrap();
        let mut model = Model { world, events: Vec::new(), keys: BTreeMap::new() };
        for (asked, got) in setup().iter().zip(&events) {
            model.take(asked, got);
        }
        let consumers = (0..2).map(|_| first.follow().unwrap()).collect();
        let writers = vec![first, open(&path)];
        Self { _folder: folder, path, writers, consumers, model, clock: 0 }
    }

    fn entry(&self, choice: u64) -> NewEntry {
        let kind = any_kind(&self.model.world, &mut Rng(choice));
        crate::common::new(at(self.clock), kind)
    }

    /// Appends, and compares the outcome with what the model says.
    fn append(&mut self, writer: usize, batch: &[NewEntry]) {
        let mut trial = self.model.world.clone();
        let refused = batch.iter().find_map(|entry| {
            let granted = trial.refuse_what_is_never_granted(&entry.event);
            granted.and_then(|()| trial.apply(&entry.event)).err()
        });
        let done = self.writers[writer].append(ExpectedRevision::Any, batch);
        match (refused, done) {
            (None, Ok(outcomes)) => {
                for (asked, outcome) in batch.iter().zip(outcomes) {
                    let AppendOutcome { entry, applied: Some(_) } = outcome else { panic!() };
                    assert_eq!(entry.revision, self.model.revision() + 1);
                    self.model.take(asked, &entry.event);
                }
            }
            (Some(expected), Err(StoreError::Refused { refused, .. })) => {
                assert_eq!(refused.statements, expected.statements);
            }
            (expected, got) => panic!("the model says {expected:?}, the store {got:?}"),
        }
        assert_eq!(self.writers[writer].head().revision, self.model.revision());
    }

    fn again(&mut self, writer: usize, which: usize) {
        if self.model.keys.is_empty() {
            return;
        }
        let place = which % self.model.keys.len();
        let (key, (revision, kind)) = self.model.keys.iter().nth(place).unwrap();
        let entry = keyed(crate::common::new(at(self.clock), kind.clone()), key);
        let done =
            self.writers[writer].append(ExpectedRevision::At(revision - 1), &[entry]).unwrap();
        assert_eq!((done[0].entry.revision, &done[0].applied), (*revision, &None));
    }

    fn astray(&mut self, writer: usize, choice: u64, off: u64) {
        let entry = self.entry(choice);
        let expected = ExpectedRevision::At(self.model.revision() + off);
        let error = self.writers[writer].append(expected, &[entry]).unwrap_err();
        assert!(matches!(error, StoreError::Log(LogError::Conflict { actual, .. })
            if actual == self.model.revision()));
    }

    fn look(&mut self, consumer: usize) {
        let consumer = &mut self.consumers[consumer];
        let mut patched = consumer.world().clone();
        loop {
            let mut seen = false;
            consumer.poll(Duration::ZERO, |entry, applied, _| {
                seen = true;
                // The patch names every machine whose programming or power changed.
                let before = patched.machines().clone();
                assert_eq!(patched.apply(&entry.event).unwrap(), *applied);
                for (name, machine) in patched.machines() {
                    assert!(before.get(name) == Some(machine) || applied.machines.contains(name));
                }
            });
            assert_eq!(*consumer.state(), FollowerState::Current);
            if !seen {
                break;
            }
        }
        assert_eq!(consumer.head().revision, self.model.revision());
        assert_eq!(state(consumer.world()), state(&self.model.world));
    }

    fn past(&self, seconds: i64) {
        let time = at(seconds);
        let world = self.writers[0].world_at(time).unwrap();
        let (base, _) = self.writers[0].history().unwrap();
        let mut timeline = Timeline::new(base, self.model.events.clone()).unwrap();
        timeline.move_to(timeline.position_at(time), |_, _| {}).unwrap();
        assert_eq!(state(&world), state(timeline.world()));
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Append { writer, choice, keyed } => {
                let mut entry = self.entry(choice);
                if keyed {
                    entry.key = Some(format!("key {}", self.model.revision()));
                    // A refused entry leaves its key free.
                    if self.model.keys.contains_key(entry.key.as_ref().unwrap()) {
                        entry.key = None;
                    }
                }
                self.append(writer, &[entry]);
            }
            Step::Batch { writer, choices } => {
                let batch: Vec<_> = choices.iter().map(|choice| self.entry(*choice)).collect();
                if !batch.is_empty() {
                    self.append(writer, &batch);
                }
            }
            Step::Astray { writer, choice, off } => self.astray(writer, choice, off),
            Step::Again { writer, which } => self.again(writer, which),
            Step::Clock { to } => self.clock = to,
            Step::Tick { seconds } => self.clock += seconds,
            Step::Restart { writer } => self.writers[writer] = open(&self.path),
            Step::Look { consumer } => self.look(consumer),
            Step::Replace { consumer } => {
                self.consumers[consumer] = open(&self.path).follow().unwrap();
            }
            Step::Past { at } => self.past(at),
        }
    }

    fn finish(mut self) {
        for consumer in 0..self.consumers.len() {
            self.look(consumer);
        }
        self.past(TEN_YEARS);
        let log = SqliteLog::open(&self.path, crate::common::options()).unwrap();
        let report = verify(&log, None).unwrap();
        assert!(report.is_clean(), "{:?}", report.findings);
        let again = Store::open(log).unwrap();
        assert_eq!(state(again.world()), state(&self.model.world));
    }
}

/// `EGRESS25_SIM_STEPS` says how many steps in all (2,000 by default), `EGRESS25_SEED` the seed.
#[test]
fn store_clock_and_consumers_agree_with_the_model() {
    let each = 200;
    let steps = number("EGRESS25_SIM_STEPS", 2000);
    let cases = u32::try_from(steps.div_ceil(each)).unwrap();
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number("EGRESS25_SEED", 25).to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let each = usize::try_from(each).unwrap();
    let outcome = TestRunner::new_with_rng(config, rng).run(
        &prop::collection::vec(step(), each..=each),
        |steps| {
            let mut simulation = Simulation::new();
            for step in steps {
                simulation.take(step);
            }
            simulation.finish();
            Ok(())
        },
    );
    if let Err(error) = outcome {
        panic!("{error}");
    }
    eprintln!("{} steps of simulation agree with the model", u64::from(cases) * 200);
}
