//! No answer says what its edition does not: every id, way and text in it is the edition's own.

use std::collections::BTreeSet;

use egress25_policy::{Decision, Edition, NextStep, Offer, Reason, Setting, path_text};

use crate::every_edition::{Case, DATES, MORE_WAYS, STATES, WAYS};
use crate::oracle_differences::program;

fn every_case() -> impl Iterator<Item = Case> {
    let ways = || WAYS.into_iter().chain(MORE_WAYS);
    let dated = |offer| DATES.into_iter().map(move |created| (offer, created));
    let offers = Offer::ALL.iter().map(|offer| offer.name());
    let stated = |(offer, created)| STATES.into_iter().map(move |state| (offer, created, state));
    offers.flat_map(dated).flat_map(stated).flat_map(move |(offer, created, state)| {
        ways().map(move |way| Case { offer, created, state, way })
    })
}

/// The ids that an answer cites.
fn cited(decision: &Decision) -> impl Iterator<Item = &str> {
    let steps = decision.next_steps.iter().flat_map(|step| step.statements());
    decision.statements.iter().chain(steps).map(|id| id.as_str())
}

/// All that an answer says in words.
fn words(edition: &Edition, decision: &Decision) -> Vec<String> {
    let mut texts: Vec<_> = decision.next_steps.iter().map(ToString::to_string).collect();
    texts.extend(decision.warnings.iter().cloned());
    texts.push(decision.reason.line().to_owned());
    for assumption in &decision.assumed {
        let setting = Setting::named(&assumption.setting).unwrap();
        texts.push(format!("{} {}", setting.question(), setting.why()));
    }
    let statements = cited(decision).map(|id| edition.statement(id).unwrap());
    texts.extend(statements.map(|statement| edition.quoted(statement)));
    texts
}

/// What other editions say and this one does not: ids as words, statements and ways as texts.
struct Foreign {
    ids: BTreeSet<String>,
    texts: BTreeSet<String>,
}

impl Foreign {
    fn to(edition: &Edition) -> Self {
        let (mut ids, mut texts) = (BTreeSet::new(), BTreeSet::new());
        let ways = |of: &Edition| {
            let channels = of.channels.values().map(|way| path_text(&way.steps));
            channels.chain([path_text(&of.support)]).collect::<Vec<_>>()
        };
        let own: Vec<_> = edition.statements.iter().map(|one| one.text.clone()).collect();
        let own = own.into_iter().chain(ways(edition)).collect::<Vec<_>>().join("\n");
        for other in Edition::all().unwrap() {
            let statements = other.statements.iter();
            let foreign = statements.filter(|one| edition.statement(one.id.as_str()).is_none());
            ids.extend(foreign.map(|one| one.id.to_string()));
            let said = other.statements.iter().map(|one| one.text.clone()).chain(ways(other));
            texts.extend(said.filter(|text| !own.contains(text.trim_end_matches('.'))));
        }
        Self { ids, texts }
    }

    fn assert_not_in(&self, text: &str, whose: &str) {
        for word in text.split(|sign: char| !sign.is_alphanumeric()) {
            assert!(!self.ids.contains(word), "{whose}: `{word}` is another edition's: {text}");
        }
        for foreign in &self.texts {
            let foreign = foreign.trim_end_matches('.');
            assert!(!text.contains(foreign), "{whose}: another edition's words: {text}");
        }
    }
}

/// What a next step says as data is the edition's.
fn assert_own(edition: &Edition, step: &NextStep) {
    match step {
        NextStep::UseRelay { ports, .. } => assert_eq!(*ports, edition.relay_ports),
        NextStep::AskForExemption { channel, steps, asks, statements, .. } => {
            assert_eq!(steps, edition.steps(*channel), "{}", edition.id);
            let mut rows = edition.rules.iter().chain([&edition.unnamed]);
            let row = rows.find(|row| row.cites.request == *statements && row.asks == *asks);
            assert!(row.is_some(), "{}: {step:?}", edition.id);
        }
        NextStep::ContactSupport { steps, .. } => assert_eq!(*steps, edition.support),
        NextStep::ChangeOffer { statements, .. } => {
            assert!(!statements.is_empty(), "{}: its text names no change of type", edition.id);
        }
        _ => {}
    }
}

#[test]
fn an_answer_said_what_another_edition_says() {
    for edition in Edition::all().unwrap() {
        let mut texts = BTreeSet::new();
        for case in every_case() {
            let decision = program(&edition.id, case).unwrap();
            for id in cited(&decision) {
                let found = edition.statement(id);
                let found = found.unwrap_or_else(|| panic!("{}: {id} {case:?}", edition.id));
                assert!(!found.text.is_empty(), "{}: {id}", edition.id);
                let known = edition.sources.contains_key(&found.source);
                assert!(known || found.source.is_article(), "{}: {id}", edition.id);
            }
            decision.next_steps.iter().for_each(|step| assert_own(edition, step));
            texts.extend(words(edition, &decision));
        }
        assert!(texts.len() > 20, "{}: {}", edition.id, texts.len());
        let foreign = Foreign::to(edition);
        texts.iter().for_each(|text| foreign.assert_not_in(text, &edition.id));
    }
}

#[test]
fn a_text_of_an_edition_named_an_id_of_another() {
    for edition in Edition::all().unwrap() {
        let foreign = Foreign::to(edition);
        for statement in &edition.statements {
            foreign.assert_not_in(&edition.quoted(statement), &edition.id);
        }
        edition.notes.iter().for_each(|note| foreign.assert_not_in(note, &edition.id));
        // Which edition reads a setting or a reason, nobody can say.
        for setting in Setting::ALL {
            let text = format!("{} {}", setting.question(), setting.why());
            foreign.assert_not_in(&text, setting.name());
        }
        Reason::ALL.iter().for_each(|reason| foreign.assert_not_in(reason.line(), reason.name()));
    }
}
