//! Every sequence of events up to a length, against a model that is written from the statements.

use egress25_policy::{Event, World};

use crate::support::{INTERNET, ask, events, one, short, world};

/// The events that one subscription with one machine can meet.
const KINDS: [&str; 9] = [
    "exemption-asked subscription=contoso",
    "exemption-granted subscription=contoso",
    "exemption-refused subscription=contoso",
    "exemption-revoked subscription=contoso",
    "machine-deallocated machine=web",
    "machine-started machine=web",
    "machine-restarted machine=web",
    "guest-shutdown machine=web",
    "machine-redeployed machine=web",
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Power {
    On,
    Off,
    Away,
}

/// What the statements say, in as few words as possible.
#[derive(Clone, Copy, Debug)]
struct Model {
    exemption: &'static str,
    power: Power,
    exempt: bool,
}

impl Model {
    /// The model after an event; `None` where the event cannot happen.
    fn after(mut self, kind: usize) -> Option<Self> {
        match kind {
            0 if !matches!(self.exemption, "requested" | "granted") => self.exemption = "requested",
            1 if self.exemption == "requested" => self.exemption = "granted",
            2 if self.exemption == "requested" => self.exemption = "refused",
            3 if self.exemption == "granted" => {
                self.exemption = "revoked";
                self.exempt = false;
            }
            4 if self.power != Power::Away => self.power = Power::Away,
            5 if self.power == Power::Away => {
                self.power = Power::On;
                self.exempt = self.exemption == "granted";
            }
            5 if self.power == Power::Off => self.power = Power::On,
            6 if self.power == Power::On => {}
            7 if self.power == Power::On => self.power = Power::Off,
            // A redeploy programs nothing.
            8 if self.power != Power::Away => self.power = Power::On,
            _ => return None,
        }
        Some(self)
    }

    fn answer(self) -> &'static str {
        match (self.power, self.exempt, self.exemption) {
            (Power::Off | Power::Away, ..) => "drop sender-not-running",
            (_, true, _) => "pass exempt",
            (_, _, "granted") => "drop waiting-for-stop-and-start",
            (_, _, "requested") => "drop request-pending",
            (_, _, "refused") => "drop request-refused",
            (_, _, "revoked") => "drop revoked",
            _ => "drop not-granted",
        }
    }
}

fn walk(world: &World, model: Model, kinds: &[Event], depth: usize, seen: &mut usize) {
    assert_eq!(short(&ask(world, "web", INTERNET)), model.answer(), "{model:?}");
    *seen += 1;
    if depth == 0 {
        return;
    }
    for (kind, event) in kinds.iter().enumerate() {
        let mut next = world.clone();
        let applied = next.apply(event);
        match model.after(kind) {
            Some(after) => {
                applied.unwrap();
                walk(&next, after, kinds, depth - 1, seen);
            }
            None => assert!(applied.is_err(), "{} after {model:?}", event.kind.name()),
        }
    }
}

#[test]
fn every_sequence_of_six_events_answers_as_the_model() {
    let kinds: Vec<Event> = KINDS
        .iter()
        .map(|kind| events(&format!("2020-12-08T09:00:00Z {kind}")).remove(0))
        .collect();
    let beginning = world(&one("pay-as-you-go", "2019-03-01", "none"), "");
    let model = Model { exemption: "none", power: Power::On, exempt: false };
    let mut seen = 0;
    walk(&beginning, model, &kinds, 6, &mut seen);
    assert!(seen > 5_000, "{seen} states were seen");
}
