//! An enum's names are those that files and reports have.

use egress25_policy::{
    Channel, ExemptionState, MachineName, NextStep, Offer, Power, StatementKind, SubscriptionName,
    Verdict,
};

fn written(value: impl serde::Serialize) -> String {
    toml::Value::try_from(value).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn a_name_is_what_a_file_has() {
    for verdict in [Verdict::Pass, Verdict::Drop, Verdict::Reject] {
        assert_eq!((verdict.name(), verdict.to_string()), (&*written(verdict), written(verdict)));
    }
    let powers =
        [Power::NotDeployed, Power::Running, Power::Stopped, Power::Deallocated, Power::Deleted];
    for power in powers {
        assert_eq!((power.name(), power.to_string()), (&*written(power), written(power)));
    }
    assert_eq!(ExemptionState::ALL.len(), 7);
    for state in ExemptionState::ALL {
        assert_eq!((state.name(), state.to_string()), (&*written(state), written(state)));
    }
    for channel in [Channel::Portal, Channel::Case, Channel::Provider] {
        assert_eq!(channel.name(), written(channel));
    }
    let kinds = [
        StatementKind::Rule,
        StatementKind::Lifecycle,
        StatementKind::Advice,
        StatementKind::Limit,
    ];
    for kind in kinds {
        assert_eq!((kind.name(), kind.to_string()), (&*written(kind), written(kind)));
    }
}

#[test]
fn a_step_has_the_name_of_its_tag() {
    let (machine, statements) = (MachineName::from("web"), vec![]);
    let subscription = SubscriptionName::from("shop");
    let steps = [
        NextStep::UseRelay { ports: vec![587], statements: vec![] },
        NextStep::AwaitAnswer { subscription: subscription.clone() },
        NextStep::TakeFurtherSteps { subscription, statements: vec![] },
        NextStep::StopAndStart { machine: machine.clone(), statements: vec![] },
        NextStep::CreateAnew { machine, statements: statements.clone() },
        NextStep::ContactSupport { steps: vec![], statements },
    ];
    for step in steps {
        assert_eq!(toml::Value::try_from(&step).unwrap()["step"].as_str(), Some(step.name()));
    }
}

#[test]
fn a_step_after_a_pass_asks_its_question_and_a_request_that_needs_nothing_names_no_needs() {
    let offer = Offer::EnterpriseAgreement;
    let asks = [
        (NextStep::CheckOffer { subscription: "shop".into(), offer }, "MSDNDevTest_2014-09-01"),
        (NextStep::CheckWayOut { of: "web".to_owned() }, "has `web` a way out"),
        (NextStep::CheckSecurityGroups { machine: "web".into() }, "admin rules of `web`"),
        (NextStep::CheckOtherSide { to: [203, 0, 113, 5].into(), port: 25 }, "answer on port 25"),
    ];
    for (step, question) in asks {
        assert!(step.to_string().contains(question), "{step}");
    }
    let (subscription, channel) = ("shop".into(), Channel::Portal);
    let (steps, asks, statements) = (vec!["portal".to_owned()], vec![], vec![]);
    let ask =
        NextStep::AskForExemption { subscription, channel, steps, after: None, asks, statements };
    assert!(ask.to_string().ends_with(": portal"), "{ask}");
}
