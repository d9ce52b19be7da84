//! What a decision rests on, gathered on the way.

use crate::article::network::NetworkFact;
use crate::article::settings::{Assumption, Setting};
use crate::article::statement::StatementId;
use crate::decide::applied_rule::AppliedRule;
use crate::decide::decision::Hop;
use crate::decide::next_step::NextStep;
use crate::world::World;

/// Where a decision says what it rests on. What has to be worked out for that is worked out only
/// where somebody keeps it.
pub(crate) trait Grounds {
    /// It rests on statements.
    fn cite(&mut self, statements: &[StatementId]);

    /// Its way rests on facts of the network, whatever the port.
    fn cite_way(&mut self, facts: &[NetworkFact]) {
        let ids: Vec<_> = facts.iter().map(|fact| fact.id()).collect();
        self.cite(&ids);
    }

    /// It rests on a setting, if a condition holds.
    fn assume_if(&mut self, world: &World, setting: Setting, holds: impl FnOnce() -> bool);

    /// It rests on a setting.
    fn assume(&mut self, world: &World, setting: Setting) {
        self.assume_if(world, setting, || true);
    }

    /// The description does not fit the text.
    fn warn(&mut self, what: impl FnOnce() -> String);

    /// The packet met something on its way.
    fn meet(&mut self, hop: impl FnOnce() -> Hop);

    /// A security rule was for the packet.
    fn apply(&mut self, rule: impl FnOnce() -> AppliedRule);

    /// Settings say whether it has a way out.
    fn leave_by(&mut self, settings: &[Setting]);

    /// The user can take steps.
    fn advise<S: IntoIterator<Item = NextStep>>(&mut self, steps: impl FnOnce() -> S);
}

/// Where only the reason is wanted: nothing is kept.
pub(crate) struct ReasonAlone;

impl Grounds for ReasonAlone {
    fn cite(&mut self, _: &[StatementId]) {}

    fn assume_if(&mut self, _: &World, _: Setting, _: impl FnOnce() -> bool) {}

    fn warn(&mut self, _: impl FnOnce() -> String) {}

    fn meet(&mut self, _: impl FnOnce() -> Hop) {}

    fn apply(&mut self, _: impl FnOnce() -> AppliedRule) {}

    fn leave_by(&mut self, _: &[Setting]) {}

    fn advise<S: IntoIterator<Item = NextStep>>(&mut self, _: impl FnOnce() -> S) {}
}

/// Where the way alone counts, and not what the filter says at its end: hops are kept, and the settings
/// that say where routes lead.
pub(crate) struct WayAlone<'a, G>(pub(crate) &'a mut G);

impl<G: Grounds> Grounds for WayAlone<'_, G> {
    fn cite(&mut self, _: &[StatementId]) {}

    fn cite_way(&mut self, facts: &[NetworkFact]) {
        self.0.cite_way(facts);
    }

    fn assume_if(&mut self, world: &World, setting: Setting, holds: impl FnOnce() -> bool) {
        if setting.is_about_routes() {
            self.0.assume_if(world, setting, holds);
        }
    }

    fn warn(&mut self, _: impl FnOnce() -> String) {}

    fn meet(&mut self, hop: impl FnOnce() -> Hop) {
        self.0.meet(hop);
    }

    fn apply(&mut self, rule: impl FnOnce() -> AppliedRule) {
        self.0.apply(rule);
    }

    fn leave_by(&mut self, settings: &[Setting]) {
        self.0.leave_by(settings);
    }

    fn advise<S: IntoIterator<Item = NextStep>>(&mut self, _: impl FnOnce() -> S) {}
}

/// Where only the settings are wanted that something rests on which does not decide by itself.
pub(crate) struct SettingsAlone<'a, G>(pub(crate) &'a mut G);

impl<G: Grounds> Grounds for SettingsAlone<'_, G> {
    fn cite(&mut self, _: &[StatementId]) {}

    fn assume_if(&mut self, world: &World, setting: Setting, holds: impl FnOnce() -> bool) {
        self.0.assume_if(world, setting, holds);
    }

    fn warn(&mut self, _: impl FnOnce() -> String) {}

    fn meet(&mut self, _: impl FnOnce() -> Hop) {}

    fn apply(&mut self, _: impl FnOnce() -> AppliedRule) {}

    fn leave_by(&mut self, _: &[Setting]) {}

    fn advise<S: IntoIterator<Item = NextStep>>(&mut self, _: impl FnOnce() -> S) {}
}

/// Everything, each once, in the order in which it was met.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) statements: Vec<StatementId>,
    pub(crate) assumed: Vec<Assumption>,
    pub(crate) warnings: Vec<String>,
    pub(crate) path: Vec<Hop>,
    pub(crate) rules: Vec<AppliedRule>,
    /// What the way out rests on: named where the packet passes, or has none.
    pub(crate) way_out: Vec<Setting>,
    pub(crate) next_steps: Vec<NextStep>,
}

impl Grounds for Gathered {
    fn cite(&mut self, statements: &[StatementId]) {
        for statement in statements {
            if !self.statements.contains(statement) {
                self.statements.push(statement.clone());
            }
        }
    }

    fn assume_if(&mut self, world: &World, setting: Setting, holds: impl FnOnce() -> bool) {
        let assumption = world.settings.assumption(setting);
        if !self.assumed.contains(&assumption) && holds() {
            self.assumed.push(assumption);
        }
    }

    fn warn(&mut self, what: impl FnOnce() -> String) {
        let what = what();
        if !self.warnings.contains(&what) {
            self.warnings.push(what);
        }
    }

    fn meet(&mut self, hop: impl FnOnce() -> Hop) {
        self.path.push(hop());
    }

    fn apply(&mut self, rule: impl FnOnce() -> AppliedRule) {
        self.rules.push(rule());
    }

    fn leave_by(&mut self, settings: &[Setting]) {
        self.way_out.extend_from_slice(settings);
    }

    fn advise<S: IntoIterator<Item = NextStep>>(&mut self, steps: impl FnOnce() -> S) {
        self.next_steps.extend(steps());
    }
}
