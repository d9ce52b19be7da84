//! Flow logs of every shape that is known, and of none.

#![expect(clippy::expect_used, reason = "a test may fail loudly")]

use std::fs;
use std::path::PathBuf;

use egress25_evidence::Answer;
use egress25_evidence::flow_log::{
    Description, Flow, FlowLogError, FlowState, FlowTracker, FlowTuple, read,
};
use egress25_skipped::skipped;
use proptest::prelude::*;

/// The flows to port 25 that a text tells of.
fn flows(text: &[u8]) -> Result<Vec<Flow>, FlowLogError> {
    let mut tracker = FlowTracker::new(10_000);
    read(text, &|tuple| tuple.opens_to(25), &mut |one| tracker.add(one))?;
    Ok(tracker.finish().0)
}

/// They in words: the source port, what came back, how often it was tried, and the rule.
fn said(text: &[u8]) -> Vec<String> {
    let one = |flow: &Flow| {
        let (answer, rule) = (flow.answer().name(), &flow.rule.name);
        format!("{} {answer} {} {rule}", flow.tuple.from.port(), flow.tries())
    };
    flows(text).expect("a flow log").iter().map(one).collect()
}

fn samples() -> Option<PathBuf> {
    let shared = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/azure-samples");
    if shared.exists() {
        return Some(shared);
    }
    skipped("../shared/azure-samples is missing");
    None
}

/// A record of a network security group around tuples.
fn nsg(tuples: &str) -> String {
    format!(
        "{{\"records\":[{{\"time\":\"2020-12-08T12:00:54Z\",\"category\":\"x\",\"properties\":{{\"Version\":2,\
         \"flows\":[{{\"rule\":\"UserRule_a\",\"flows\":[{{\"mac\":\"000D3A000001\",\"flowTuples\":[{tuples}]\
         }}]}}]}}}}]}}"
    )
}

#[test]
fn each_sample_is_read_as_what_it_shows() {
    let Some(samples) = samples() else { return };
    let v4 = "40000 silent 4 DefaultRule_AllowInternetOutBound";
    let denied = "40001 denied 1 DefaultRule_AllowInternetOutBound";
    for (file, right) in [
        (
            "flowlog-nsg/own-nsg-v1-smtp.json",
            vec!["40001 not told 1 DefaultRule_AllowInternetOutBound"],
        ),
        (
            "flowlog-nsg/own-nsg-v2-smtp-answered.json",
            vec!["40002 answered 1 DefaultRule_AllowInternetOutBound"],
        ),
        ("flowlog-nsg/own-nsg-v2-smtp-denied.json", vec!["40003 denied 1 UserRule_DenySmtpOut"]),
        (
            "flowlog-vnet/own-vnet-v4-smtp.json",
            vec![
                "40001 silent 7 DefaultRule_AllowInternetOutBound",
                "40010 denied 1 UserRule_DenySmtpOut",
            ],
        ),
        ("flowlog-vnet/own-vnet-v4-platform-rule.json", vec!["40011 not told 1 unspecified"]),
        ("flowlog-cases/06-vnet-v4.ndjson", vec![v4, denied]),
        (
            "flowlog-cases/09-nsg-v1-nested-records.json",
            vec!["40000 not told 1 DefaultRule_AllowInternetOutBound"],
        ),
        (
            "flowlog-cases/12-vnet-v2-dashed-mac.json",
            vec!["40000 silent 4 DefaultRule", "40002 denied 1 DefaultRule"],
        ),
        ("flowlog-cases/20-empty-records.json", vec![]),
        ("flowlog-cases/14-PT1H-open.json", vec![]),
    ] {
        let text = fs::read(samples.join(file)).expect("it is there");
        assert_eq!(said(&text), right, "{file}");
    }
}

#[test]
fn a_log_that_breaks_off_says_where_and_what_was_whole_counts() {
    let text = nsg("\"1607385600,10.0.1.4,203.0.113.25,40000,25,T,O,D,B,,,,\"");
    let two = format!("{text}\n{text}");
    let tuple = text.find("\"]}").expect("the end of a tuple") + 1;
    for at in 1..two.len() {
        let mut rules = Vec::new();
        let cut = &two.as_bytes()[..at];
        let read = read(cut, &|_| true, &mut |one| rules.push(one.rule.name)).expect("it is cut");
        let ends = [text.len(), text.len() + 1];
        assert_eq!(read.cut.is_some(), !ends.contains(&at), "{at}");
        assert!(!read.is_flow_log || at > 8, "{at}");
        // A tuple is whole with its end, whatever comes of what stands around it.
        let ends = [tuple, text.len() + 1 + tuple];
        assert_eq!(rules.len(), ends.iter().filter(|end| at >= **end).count(), "{at}");
        assert!(rules.iter().all(|rule| &**rule == "UserRule_a"), "{at}");
    }
}

#[test]
fn what_is_no_flow_log_is_refused_with_the_place() {
    for (text, right) in [
        ("{}", "it is no flow log"),
        ("FlowStartTime,SrcIp\n", "line 1, column 1"),
        (&nsg("\"1607385600,10.0.1.4,203.0.113.25,40000,25,T,O,D,B,,,,\","), "trailing comma"),
        (&nsg("\"1607385600,10.0.1.4,mx.example,40000,25,T,O,D,B,,,,\""), "an address is none"),
        (&nsg("\"1607385600,10.0.1.4,203.0.113.25,40000,25,T,X,D\""), "neither I nor O"),
        (&nsg("7"), "invalid type"),
    ] {
        let error = read(text.as_bytes(), &|_| true, &mut |_| {}).expect_err(text);
        assert!(error.to_string().contains(right), "{text}: {error}");
    }
}

#[test]
fn a_rule_behind_its_tuples_was_not_seen() {
    let text = "{\"records\":[{\"flowRecords\":{\"flows\":[{\"flowGroups\":[{\"flowTuples\":[\
                \"1607385600123,10.0.1.4,203.0.113.25,40000,25,6,O,D,NX,0,0,0,0\"],\"rule\":\"late\"}],\
                \"aclID\":\"g\"}]}}]}";
    assert_eq!(said(text.as_bytes()), ["40000 denied 1 late"]);
}

#[test]
fn a_flow_that_goes_on_in_the_next_hour_is_one_and_a_port_that_is_used_again_another() {
    let first = nsg("\"1607385600,10.0.1.4,203.0.113.25,40000,25,T,O,A,B,,,,\"");
    let next = nsg("\"1607389200,10.0.1.4,203.0.113.25,40000,25,T,O,A,C,9,900,8,800\",\
         \"1607389260,10.0.1.4,203.0.113.25,40000,25,T,O,A,E,1,60,1,60\",\
         \"1607389300,10.0.1.4,203.0.113.25,40000,25,T,O,A,B,,,,\",\
         \"1607389360,10.0.1.4,203.0.113.25,40000,25,T,O,A,E,4,240,0,0\"");
    let said = said(format!("{first}{next}").as_bytes());
    assert_eq!(said, ["40000 answered 1 UserRule_a", "40000 silent 4 UserRule_a"]);
}

#[test]
fn two_groups_tell_one_flow_and_the_one_that_denies_it_decides() {
    let of = |rule: &str, tuple: &str| nsg(&format!("\"{tuple}\"")).replace("UserRule_a", rule);
    let out = "1607385600,10.0.1.4,203.0.113.25,40000,25,T,O,A,B,,,,";
    let end = "1607385660,10.0.1.4,203.0.113.25,40000,25,T,O,A,E,4,240,0,0";
    let both = [of("one", out), of("two", out), of("one", end), of("two", end)].concat();
    assert_eq!(said(both.as_bytes()), ["40000 silent 4 one"]);
    let denied = "1607385600,10.0.1.4,203.0.113.25,40000,25,T,O,D,B,,,,";
    assert_eq!(
        said([of("one", out), of("two", denied)].concat().as_bytes()),
        ["40000 denied 1 two"]
    );
}

/// A tuple of one connection, so many seconds after it began.
fn told(second: u32, state: &str) -> String {
    format!("\"{},10.0.1.4,203.0.113.25,40000,25,T,O,{state}\"", 1_607_385_600 + second)
}

/// One connection of which nothing came back: it begins, goes on, ends.
fn silent() -> [String; 3] {
    [told(0, "A,B,,,,"), told(60, "A,C,5,300,0,0"), told(120, "A,E,2,120,0,0")]
}

#[test]
fn what_two_groups_told_in_files_of_their_own_was_two_flows() {
    let of = |rule: &str| nsg(&silent().join(",")).replace("UserRule_a", rule);
    assert_eq!(said((of("one") + &of("two")).as_bytes()), ["40000 silent 7 one"]);
    // A virtual network's log tells the same in thousandths.
    assert_eq!(said(of("one").as_bytes()), ["40000 silent 7 one"]);
}

#[test]
fn what_a_log_told_twice_was_counted_twice() {
    let once = nsg(&silent().join(","));
    assert_eq!(said((once.clone() + &once).as_bytes()), ["40000 silent 7 UserRule_a"]);
}

#[test]
fn the_order_of_records_made_flows() {
    let [begin, goes_on, end] = silent().map(|tuple| nsg(&tuple));
    for order in [[&end, &goes_on, &begin], [&goes_on, &begin, &end], [&end, &begin, &goes_on]] {
        let text: String = order.into_iter().map(String::as_str).collect();
        assert_eq!(said(text.as_bytes()), ["40000 silent 7 UserRule_a"]);
    }
}

#[test]
fn an_answer_to_a_later_flow_was_given_to_the_one_that_there_was_room_for() {
    let later = [told(4000, "A,B,,,,"), told(4010, "A,E,9,900,9,900")];
    let text = nsg(&silent().iter().chain(&later).cloned().collect::<Vec<_>>().join(","));
    let mut tracker = FlowTracker::new(1);
    read(text.as_bytes(), &|_| true, &mut |one| tracker.add(one)).expect("a flow log");
    let (flows, not_kept) = tracker.finish();
    assert_eq!((flows.len(), flows[0].answer(), not_kept), (1, Answer::Silent, 2));
}

#[test]
fn a_long_flow_takes_no_more_room_than_a_short_one_and_is_told_right() {
    let tuples: Vec<_> = (0..5_000).map(|minute| told(60 * minute, "A,C,2,120,0,0")).collect();
    let all = [told(0, "A,B,,,,")].into_iter().chain(tuples).collect::<Vec<_>>().join(",");
    assert_eq!(said(nsg(&all).as_bytes()), ["40000 silent 10000 UserRule_a"]);
}

#[test]
fn a_flow_that_was_denied_and_let_out_later_was_never_answered() {
    let both = [told(0, "D,B,,,,"), told(1, "A,B,,,,"), told(9, "A,E,9,900,9,900")].join(",");
    assert_eq!(said(nsg(&both).as_bytes()), ["40000 answered 1 UserRule_a"]);
}

#[test]
fn a_flow_that_an_own_appliance_forwards_was_two() {
    let here = nsg(&silent().join(","));
    let there = here.replace("000D3A000001", "000D3A000002");
    assert_eq!(said((here + &there).as_bytes()), ["40000 silent 7 UserRule_a"]);
}

#[test]
fn flows_beyond_a_number_are_counted() {
    let mut tracker = FlowTracker::new(1);
    let text = nsg("\"1607385600,10.0.1.4,203.0.113.25,40000,25,T,O,A,B,,,,\",\
         \"1607385600,10.0.1.4,203.0.113.25,40001,25,T,O,A,B,,,,\"");
    read(text.as_bytes(), &|_| true, &mut |one| tracker.add(one)).expect("a flow log");
    let (flows, not_kept) = tracker.finish();
    assert_eq!((flows.len(), not_kept), (1, 1));
}

#[test]
fn a_tuple_says_what_it_is_by_its_fields() {
    let parsed = |text| FlowTuple::parse(text).expect("a tuple");
    let v1 = parsed("1607385600,10.0.1.4,203.0.113.25,40001,25,T,O,A");
    assert_eq!((v1.state, v1.packets, v1.opens_to(25)), (FlowState::Allowed, None, true));
    let v2 = parsed("1607385600,10.0.1.4,203.0.113.25,40001,25,T,O,A,E,21,3120,18,2210");
    assert_eq!((v2.state, v2.packets), (FlowState::Ended, Some((21, 18))));
    let v4 = parsed("1607385600123,2001:db8::4,2001:db8:25::25,40001,25,6,O,E,X,7,518,0,0");
    assert_eq!(
        (v4.state, v4.packets, v4.at),
        (FlowState::Ended, Some((7, 0)), "2020-12-08T00:00:00.123Z".parse().unwrap())
    );
    // Seconds and no counters, as an article of bandwidth has it.
    let seconds = parsed("1607385600,10.0.1.4,203.0.113.25,40001,25,6,O,B,NX,,,,");
    assert_eq!((seconds.at, seconds.packets), (v1.at, None));
    assert!(!parsed("1607385600,10.0.1.4,203.0.113.25,40001,25,U,O,A").opens_to(25));
    assert!(!parsed("1607385600,198.51.100.7,10.0.1.4,51000,25,T,I,A").opens_to(25));
}

/// Tuples of some flows, in the order of time.
fn tuples() -> impl Strategy<Value = Vec<String>> {
    let one =
        (0_u16..4, prop_oneof![Just(("B", "", "")), Just(("C", "3", "0")), Just(("E", "4", "2"))]);
    prop::collection::vec(one, 0..40).prop_map(|all| {
        let text = |(at, (port, (state, sent, back))): (usize, (u16, (&str, &str, &str)))| {
            let (at, port) = (1_607_385_600 + at * 20, 40_000 + port);
            format!(
                "\"{at},10.0.1.4,203.0.113.25,{port},25,T,O,A,{state},{sent},{sent},{back},{back}\""
            )
        };
        all.into_iter().enumerate().map(text).collect()
    })
}

proptest! {
    #[test]
    fn flows_do_not_depend_on_how_tuples_lie_in_records(tuples in tuples(), sizes in prop::collection::vec(1_usize..9, 40)) {
        let whole = nsg(&tuples.join(","));
        let (mut parts, mut rest) = (String::new(), &tuples[..]);
        for size in sizes {
            let (part, behind) = rest.split_at(size.min(rest.len()));
            parts.push_str(&nsg(&part.join(",")));
            rest = behind;
        }
        let [whole, parts] = [whole, parts].map(|text| flows(text.as_bytes()).expect("a flow log"));
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 0_usize..400) {
        let _ = flows(&bytes);
        let text = nsg("\"1607385600,10.0.1.4,203.0.113.25,40000,25,T,O,D,B,,,,\"");
        let mut bent = text.into_bytes();
        let at = cut.min(bent.len() - 1);
        bent.splice(at.., bytes);
        let _ = flows(&bent);
        let _ = FlowTuple::parse(&String::from_utf8_lossy(&bent));
    }
}

#[test]
fn a_flow_is_a_connection_and_gets_the_same_words() {
    use egress25_evidence::Agreement::{Agrees, Contradicts, NoEvidence};
    use egress25_policy::{Reason, Verdict};
    let drop = (Verdict::Drop, Reason::NotGranted);
    let pass = (Verdict::Pass, Reason::Exempt);
    let by_rule = (Verdict::Drop, Reason::SecurityGroupDenies);
    let reject = (Verdict::Reject, Reason::NotGranted);
    let of = |state: &str| {
        let text = nsg(&format!("\"1607385600,10.0.1.4,203.0.113.25,40000,25,T,O,{state}\""));
        flows(text.as_bytes()).expect("a flow log").remove(0)
    };
    let [silent, answered, denied, untold] =
        ["A,E,4,240,0,0", "A,E,4,240,3,180", "D,B,,,,", "A"].map(of);
    for (flow, judged, knows_rules, right) in [
        (&silent, drop, true, Agrees),
        (&silent, pass, true, NoEvidence),
        (&silent, by_rule, true, Contradicts),
        (&answered, drop, true, Contradicts),
        (&answered, pass, true, Agrees),
        (&answered, reject, true, NoEvidence),
        (&answered, by_rule, true, Contradicts),
        (&denied, drop, true, Contradicts),
        (&denied, drop, false, NoEvidence),
        (&denied, pass, true, Contradicts),
        (&denied, pass, false, NoEvidence),
        (&denied, by_rule, true, Agrees),
        (&untold, drop, true, NoEvidence),
        (&untold, pass, true, NoEvidence),
        // It was let out, however little more is told.
        (&untold, by_rule, true, Contradicts),
    ] {
        let description = Description { knows_rules, has_changed: false };
        let connection = flow.connection(1, judged, description, ());
        let found = connection.finding();
        assert_eq!(found.agreement, right, "{:?} {judged:?} {}", flow.answer(), found.why);
    }
    assert_eq!(denied.answer(), Answer::Denied);
    // The log has but its end, and something else may have been true at its beginning.
    let description = Description { knows_rules: false, has_changed: true };
    let connection = answered.connection(1, drop, description, ());
    assert_eq!(connection.finding().agreement, NoEvidence);
}
