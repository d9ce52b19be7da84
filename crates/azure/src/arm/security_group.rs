//! Network security groups and their rules.

use std::collections::BTreeSet;

use egress25_policy::{Target, toml_in_sight};
use serde_json::Value;

use crate::block::{Block, list, unread};
use crate::export::Export;
use crate::fields::{Fields, Look as _};
use crate::gaps::{GapKind, Gaps};
use crate::resource::Kind;

/// The tags that are worked out for each subnet: nobody has to tell them.
const WORKED_OUT: [&str; 6] = [
    "virtualnetwork",
    "internet",
    "azureloadbalancer",
    "azureplatformdns",
    "azureplatformimds",
    "azureplatformlkm",
];

/// The tables of security groups.
pub(crate) fn blocks(export: &Export, gaps: &mut Gaps) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (name, group) in export.named(Kind::SecurityGroup) {
        let mut block = export.block(&["security-group", name], &group.id);
        let mut rules: Vec<_> = export
            .resources
            .parts(&group.id, Kind::SecurityRule)
            .map(|rule| (rule.fields.text("direction"), rule.fields.number("priority"), rule))
            .collect();
        rules.sort_by_key(|(direction, priority, _)| (*direction, *priority));
        let mut tags = BTreeSet::new();
        let mut written = Vec::new();
        for (.., rule) in rules {
            let mut named = BTreeSet::new();
            let name = export.part_name(rule);
            if let Some(spelt) = export.spelt(&rule.id) {
                block.remark(&format!("Azure calls the rule `{name}` `{spelt}`."));
            }
            match self::rule(export, name, &rule.fields, &mut named) {
                Some(rule) => {
                    tags.append(&mut named);
                    written.push(rule);
                }
                None => {
                    block.gap(gaps, GapKind::RuleUnread);
                    written.push(unread("rule", rule.name()));
                }
            }
        }
        if !group.fields.get("securityrules").is_some_and(Value::is_array) {
            block.gap(gaps, GapKind::RuleUnread);
            written.push(unread("the rules of", group.name()));
        }
        block.lines("rules", &written);
        if !tags.is_empty() {
            block.gap(gaps, GapKind::ServiceTag);
            let tags: Vec<_> = tags.into_iter().collect();
            block.remark(&format!("The tags: {}", tags.join(", ")));
        }
        blocks.push(block);
    }
    for rule in export.orphans(Kind::SecurityRule, Kind::SecurityGroup) {
        gaps.note(format!("rule {}", rule.name()), GapKind::SecurityGroupMissing);
    }
    blocks
}

/// Whether what a rule says has the types that are read: a key that is there and is not read would
/// make it another rule.
fn is_well_formed(rule: &Fields) -> bool {
    let is_text = |value: &Value| value.is_null() || value.is_string();
    let is_list = |value: &Value, is_item: fn(&Value) -> bool| {
        value.is_null() || value.as_array().is_some_and(|items| items.iter().all(is_item))
    };
    rule.iter().all(|(key, value)| {
        match key.trim_start_matches("source").trim_start_matches("destination") {
            "direction" | "access" | "protocol" | "addressprefix" | "portrange" => is_text(value),
            "addressprefixes" | "portranges" => is_list(value, Value::is_string),
            "applicationsecuritygroups" => {
                is_list(value, |item| item.get("id").is_some_and(Value::is_string))
            }
            _ => true,
        }
    })
}

/// A rule as TOML writes it; none where something of it cannot be read.
fn rule(export: &Export, name: &str, rule: &Fields, tags: &mut BTreeSet<String>) -> Option<String> {
    if !is_well_formed(rule) {
        return None;
    }
    let direction = match rule.text("direction")?.to_ascii_lowercase().as_str() {
        "outbound" => "outbound",
        "inbound" => "inbound",
        _ => return None,
    };
    let access = match rule.text("access")?.to_ascii_lowercase().as_str() {
        "allow" => "allow",
        "deny" => "deny",
        _ => return None,
    };
    let mut keys = vec![
        format!("name = {}", toml_in_sight(name)),
        format!("priority = {}", u16::try_from(rule.number("priority")?).ok()?),
        format!("direction = \"{direction}\""),
        format!("access = \"{access}\""),
    ];
    match rule.text("protocol").unwrap_or("*").to_ascii_lowercase().as_str() {
        "*" | "all" | "any" => {}
        protocol @ ("tcp" | "udp" | "icmp" | "esp" | "ah") => {
            keys.push(format!("protocol = \"{protocol}\""));
        }
        _ => return None,
    }
    for side in ["source", "destination"] {
        let groups = export.groups(rule, &format!("{side}applicationsecuritygroups"));
        if groups.is_empty() {
            let targets = targets(rule, side, tags)?;
            if !targets.is_empty() {
                keys.push(format!("{side} = {}", list(targets)));
            }
        } else {
            keys.push(format!("{side}_application_security_groups = {}", list(groups)));
        }
        let ports = ports(rule, side)?;
        if !ports.is_empty() {
            keys.push(format!("{side}_ports = {}", list(ports)));
        }
    }
    Some(format!("{{ {} }}", keys.join(", ")))
}

/// The addresses of a side, none for any. A side without any is none of Azure: what stood there was
/// not known yet, or is not read.
fn targets(rule: &Fields, side: &str, tags: &mut BTreeSet<String>) -> Option<Vec<String>> {
    let all =
        one_and_many(rule, &format!("{side}addressprefix"), &format!("{side}addressprefixes"));
    if all.is_empty() {
        return None;
    }
    let mut written = Vec::new();
    for text in all {
        match text.parse().ok()? {
            Target::Any => return Some(Vec::new()),
            Target::Tag(tag) => {
                if !WORKED_OUT.contains(&tag.to_ascii_lowercase().as_str()) {
                    tags.insert(tag);
                }
            }
            Target::Prefix(_) => {}
        }
        written.push(text.to_owned());
    }
    Some(written)
}

/// The ports of a side, none for any; they are said, as addresses are.
fn ports(rule: &Fields, side: &str) -> Option<Vec<String>> {
    let all = one_and_many(rule, &format!("{side}portrange"), &format!("{side}portranges"));
    if all.is_empty() {
        return None;
    }
    if all.iter().any(|text| matches!(*text, "*" | "0-65535")) {
        return Some(Vec::new());
    }
    let is_port = |text: &str| text.trim().parse::<u16>().is_ok();
    let is_range = |text: &&str| match text.split_once('-') {
        Some((first, last)) => is_port(first) && is_port(last),
        None => is_port(text),
    };
    all.iter().all(is_range).then(|| all.iter().map(|text| (*text).to_owned()).collect())
}

/// What a rule has below the key for one and below the key for several, each once.
fn one_and_many<'a>(rule: &'a Fields, one: &str, many: &str) -> Vec<&'a str> {
    let mut all: Vec<&str> = Vec::new();
    for text in rule.text(one).into_iter().chain(rule.texts(many)) {
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all
}
