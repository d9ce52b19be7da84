//! The page to hand over: what it says, that nothing of an input is markup in it, and how it is for
//! who cannot see it, or not its colours.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::browser::Browser;
use crate::packets::{MIDNIGHT, mail, pcap};
use crate::program::{egress25, failure, repository, stdout, words};
use crate::replay::captured;

const DAY: &str = "replay fixtures/captures/day-of-mail.pcapng --inventory \
                   fixtures/inventories/day-of-mail.toml --format html";
/// The same day, described wrongly: what was answered contradicts that.
const CONTRADICTED: &str = "replay fixtures/captures/day-of-mail.pcapng --offer pay-as-you-go \
                            --created 2019-03-01 --format html";
const MX: [u8; 4] = [203, 0, 113, 25];

/// The rows of the table below a heading, each as its cells.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, below) = page.split_once(&format!(">{heading}</h2>")).expect(heading);
    let body = below.split_once("<tbody>").expect("rows").1.split_once("</tbody>").expect("rows").0;
    let cells = |row: &str| {
        row.split("<td").skip(1).map(|cell| text(&format!("<td{cell}"))).collect::<Vec<_>>()
    };
    body.split("<tr>").skip(1).map(cells).collect()
}

/// The text of a piece of a page.
fn text(html: &str) -> String {
    let mut text = String::new();
    for piece in html.split('<') {
        text.push_str(piece.split_once('>').map_or(piece, |(_, behind)| behind));
    }
    text.trim().to_owned()
}

fn count(page: &str, of: &str) -> usize {
    page.matches(of).count()
}

/// The picture alone.
fn picture(page: &str) -> &str {
    let (_, after) = page.split_once("role=\"img\"").expect("a picture");
    after.split_once("</svg>").expect("its end").0
}

/// A capture without a packet, and its page.
fn empty() -> String {
    let capture = captured(&pcap(&[]));
    stdout(&format!("replay {} --offer EA --format html", capture.path.display()))
}

#[test]
fn the_page_of_a_day_has_the_answer_the_reasons_and_what_to_do() {
    let page = stdout(DAY);
    for right in [
        "Is it the platform or me?",
        "partly the platform: of 71 connections, Azure's filter stops 36, nothing here stops 35.",
        "waiting-for-stop-and-start",
    ] {
        assert!(page.contains(right), "{right}\n{page}");
    }
    let statement = stdout("explain PG6");
    let fact = statement.lines().nth(1).expect("a statement").trim();
    let begin: String = fact.chars().take(30).collect();
    assert!(page.contains(&begin), "{begin}");
    assert_eq!(rows(&page, "Connections").len(), 71);
    assert_eq!(rows(&page, "By subscription and reason").len(), 6);
    assert_eq!(rows(&page, "What happened")[1][2], "exemption granted");
    assert!(rows(&page, "What the edition in force answers").len() >= 6);
    assert!(page.contains("stop `vm-web` so that it is deallocated"), "{page}");
    assert_eq!(page, stdout(DAY), "the same inputs make the same page");
}

#[test]
fn every_fact_of_the_picture_stands_in_a_table() {
    for line in [DAY, CONTRADICTED] {
        let page = stdout(line);
        let picture = picture(&page);
        let marks = rows(&page, "The marks of the timeline");
        for (verdict, shape) in
            [("pass", "<circle class=\"circle\""), ("drop", "<rect class=\"square\"")]
        {
            let of_it = marks.iter().filter(|mark| mark[3] == verdict).count();
            assert_eq!(count(picture, shape), of_it, "{line}: {verdict}");
        }
        let connections: usize =
            marks.iter().map(|mark| mark[4].parse::<usize>().expect("a count")).sum();
        assert_eq!(connections, 71, "{line}");
        let contradicted = marks.iter().filter(|mark| mark[5] != "0").count();
        assert_eq!(count(picture, "class=\"contradicts\""), contradicted);
        let lanes: BTreeSet<_> = marks.iter().map(|mark| &mark[2]).collect();
        for lane in lanes {
            assert!(picture.contains(&format!(">{lane}</text>")), "{lane}");
        }
        let drawn = picture.matches("<text class=\"event\"").count();
        assert_eq!(drawn, if line == DAY { 6 } else { 0 });
    }
    let events = rows(&stdout(DAY), "What happened");
    assert!(events.iter().all(|event| event[4] == "a line with this number"), "{events:?}");
}

#[test]
fn nothing_of_an_input_is_markup_or_turns_what_stands_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let hostile = "a\"'><script>alert(1)<!--&amp;";
    let why = format!("{hostile}\u{202e}\u{200f}");
    let capture = folder.path().join("b\u{1b}[31m\u{202e}\"'><img src=x onerror=alert(1)>.pcap");
    std::fs::write(&capture, pcap(&[(0, mail([10, 0, 1, 4], MX))])).expect("written");
    let inventory = folder.path().join("<svg onload=alert(1)>.toml");
    let name = Value::from(hostile).to_string();
    let why = Value::from(why).to_string();
    let at = jiff::Timestamp::from_second(i64::from(MIDNIGHT)).expect("a time");
    let toml = format!(
        "[subscription.{name}]\noffer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"\n[network.hub]\n\
         address_space = [\"10.0.0.0/16\"]\n[machine.{name}]\nsubscription = {name}\nnetwork = \
         \"hub\"\naddresses = [\"10.0.1.4\"]\n[[event]]\nat = \"{at}\"\nkind = \"exemption-asked\"\n\
         subscription = {name}\nchannel = \"portal\"\nwhy = {why}\n"
    );
    std::fs::write(&inventory, toml).expect("written");
    let arguments = ["replay".as_ref(), capture.as_os_str(), "--inventory".as_ref()];
    let output = egress25(arguments)
        .args([inventory.as_os_str(), "--format".as_ref(), "html".as_ref()])
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = String::from_utf8(output.stdout).expect("text");
    assert!(page.contains("request-pending"), "{page}");
    for markup in ["<script", "<img", "<svg onload", "<!--", "'><", "\"'>"] {
        assert!(!page.contains(markup), "{markup}\n{page}");
    }
    let is_odd =
        |sign: &char| sign.is_control() && *sign != '\n' || ['\u{202e}', '\u{200f}'].contains(sign);
    assert_eq!(page.chars().find(is_odd), None);
    assert!(page.contains("\\u{202e}") && page.contains("\\u{1b}[31m"), "{page}");
    if let Some(browser) = Browser::with("axe.min.js") {
        look_at(&browser, "hostile", &page);
    }
}

#[test]
fn the_page_needs_nothing_else_and_runs_nothing() {
    for page in [stdout(DAY), stdout(CONTRADICTED), empty()] {
        let elsewhere = page.replace("http://www.w3.org/2000/svg", "");
        for other in
            ["http:", "https:", "<script", "<link", "<img", "@import", "url(", "javascript:"]
        {
            assert!(!elsewhere.contains(other), "{other}");
        }
        assert!(page.contains("Content-Security-Policy") && page.ends_with("</html>"));
    }
}

#[test]
fn a_large_capture_is_no_large_page_and_what_has_no_room_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let inventory = folder.path().join("inventory.toml");
    let mut toml = "[network.hub]\naddress_space = [\"10.0.0.0/8\"]\n".to_owned();
    let mut packets = Vec::new();
    for number in 0..2_000_u32 {
        let [_, _, high, low] = number.to_be_bytes();
        if number < 600 {
            let _ = write!(
                toml,
                "[subscription.s{number}]\noffer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"\n\
                 [machine.m{number}]\nsubscription = \"s{number}\"\nnetwork = \"hub\"\naddresses = \
                 [\"10.1.{high}.{low}\"]\n[[event]]\nat = \"2020-12-08T00:{:02}:00Z\"\nkind = \
                 \"exemption-asked\"\nsubscription = \"s{number}\"\nchannel = \"portal\"\n",
                number % 60
            );
        }
        packets.push((number * 7, mail([10, 1, high % 2, low], MX)));
    }
    std::fs::write(&inventory, toml).expect("written");
    let capture = captured(&pcap(&packets));
    let line = format!(
        "replay {} --inventory {} --format html",
        capture.path.display(),
        inventory.display()
    );
    let page = stdout(&line);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    assert_eq!(rows(&page, "Connections").len(), 500);
    assert!(page.contains("And 1500 more"), "the rest is counted");
    let picture = picture(&page);
    assert!(picture.contains("1 to 10: 10 events</text>"), "{picture}");
    assert!(page.contains("580 more events have no room in the picture"), "the rest is counted");
    let numbered = rows(&page, "What happened");
    let numbers: Vec<_> = numbered.iter().filter(|event| event[0] != "-").collect();
    assert_eq!((numbered.len(), numbers.len()), (200, 20));
    assert!(page.contains("all others"));
}

#[test]
fn what_was_cut_left_out_or_not_there_is_said() {
    let whole = std::fs::read(repository().join("fixtures/captures/day-of-mail.pcap"));
    let whole = whole.expect("a capture");
    let cut = captured(&whole[..whole.len() / 2 + 3]);
    let page = stdout(&format!("replay {} --offer EA --format html", cut.path.display()));
    assert!(page.contains("The capture could not be read to its end"), "{page}");
    assert!(page.contains(", as far as it could be read</h1>"), "{page}");
    assert!(empty().contains("Nothing was judged") && empty().contains("there is no packet in"));
    let some = stdout(&format!("{DAY} --only passed"));
    assert!(some.contains("without 36 that --only leaves out"), "{some}");
    assert!(!stdout(&format!("{DAY} --summary")).contains(">Connections</h2>"));
    let (code, said) = failure(&format!("{DAY} --write -"));
    assert!(code == 2 && said.contains("--format has nowhere to go"), "{said}");
}

/// What axe-core finds, whether the page is dark, and what a keyboard cannot reach.
const LOOK: &str = "axe.run(document).then(found => {
    const lost = [...document.querySelectorAll('[tabindex], a')].filter(one => {
        one.focus();
        return document.activeElement !== one;
    });
    const scrolling = [...document.querySelectorAll('*')].filter(one =>
        (one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight) &&
        getComputedStyle(one).overflow === 'auto' && one.tabIndex !== 0);
    const regions = [...document.querySelectorAll('section')].filter(one =>
        !document.getElementById(one.getAttribute('aria-labelledby')));
    document.title = JSON.stringify({
        violations: found.violations.map(one => one.id + ' ' + one.nodes[0].html.slice(0, 200)),
        passes: found.passes.length,
        dark: matchMedia('(prefers-color-scheme: dark)').matches,
        back: getComputedStyle(document.body).backgroundColor,
        lost: lost.length, scrolling: scrolling.length, nameless: regions.length,
        first: document.querySelector('body a, body [tabindex]')?.textContent,
        wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    });
});";

/// A mail log that contradicts what is told.
const MAIL_LOG: &str = "diagnose fixtures/mail-logs/postfix/blocked.log \
                        fixtures/mail-logs/postfix/rejected.log --offer pay-as-you-go --created \
                        2019-03-01 --format html";

#[test]
fn axe_finds_no_violation_light_or_dark_wide_or_narrow() {
    let Some(browser) = Browser::with("axe.min.js") else { return };
    let pages = [
        ("full", stdout(DAY)),
        ("empty", empty()),
        ("contradicted", stdout(CONTRADICTED)),
        ("flow log", crate::flows::page()),
        ("mail log", stdout(MAIL_LOG)),
        ("rejected", stdout(&format!("{DAY} --set block_form=reject --edition 2022-11"))),
    ];
    std::thread::scope(|scope| {
        for (name, page) in &pages {
            scope.spawn(|| look_at(&browser, name, page));
        }
    });
}

/// Looks at a page in every way.
fn look_at(browser: &Browser, name: &str, page: &str) {
    // Nothing runs in the page as it is: to look at it from inside, the policy goes.
    let (before, policy) = page.split_once("<meta http-equiv").expect("a policy");
    let page = format!("{before}{}", policy.split_once('>').expect("its end").1);
    let mut backs = BTreeSet::new();
    for (is_dark, flags) in [
        (false, ["--window-size=1200,900", "--blink-settings=preferredColorScheme=1"]),
        (true, ["--window-size=500,900", "--blink-settings=preferredColorScheme=0"]),
    ] {
        let found = browser.title_after(&page, LOOK, &flags);
        let found: Value = serde_json::from_str(&found).expect(&found);
        assert_eq!(found["violations"], serde_json::json!([]), "{name} {flags:?}");
        assert!(found["passes"].as_u64() > Some(10), "{found}");
        assert_eq!(found["dark"], is_dark, "{name} {flags:?}: {found}");
        for none in ["lost", "scrolling", "nameless"] {
            assert_eq!(found[none], 0, "{name} {none}: {found}");
        }
        assert_eq!(found["wide"], false, "{name} {flags:?}: {found}");
        assert_eq!(found["first"], "Skip to the answer");
        backs.insert(found["back"].to_string());
    }
    assert_eq!(backs.len(), 2, "light and dark: {backs:?}");
    // On paper there is nothing to scroll: all of a row has to have room on a landscape page.
    let paper = page.replace("@media print", "@media all");
    let found = browser.title_after(&paper, LOOK, &["--window-size=1000,900"]);
    assert!(found.contains("\"wide\":false"), "{name} on paper: {found}");
}

#[test]
fn axe_finds_what_is_put_in() {
    let Some(browser) = Browser::with("axe.min.js") else { return };
    let page = "<!DOCTYPE html><html><head><title>x</title></head><body><img></body></html>";
    let found = browser.title_after(page, LOOK, &[]);
    assert!(found.contains("image-alt") && found.contains("html-has-lang"), "{found}");
}

#[test]
fn who_does_not_read_the_page_ends_nothing() {
    let line = words(DAY);
    let output = egress25(line).args(["--fail-on", "contradiction"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0));
    let line = words(CONTRADICTED);
    let output = egress25(line).args(["--fail-on", "contradiction"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("</html>"));
}
