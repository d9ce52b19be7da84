//! Files of every kind with texts in them that would do something where they are shown.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::packets::{MIDNIGHT, mail};

/// What would do something: ESC, ends of lines that begin a row of their own, DEL, a control
/// character of C1, what turns the direction of writing, what has no width, a formula.
pub(super) const EVIL: &str = "=1+1\u{1b}[31m\u{1b}]0;t\u{7}\nFORGED row\r\nFORGED,row\u{7f}\u{9b}2J\u{202e}\u{2066}\u{200b}\u{2028}\"'`<b>&\\";

/// The same with NUL, which neither a path nor an argument can have.
pub(super) fn evil_in_files() -> String {
    format!("{EVIL}\0\u{feff}")
}

/// A text as TOML and JSON quote it; raw where neither asks for an escape.
fn quoted(text: &str) -> String {
    let json = Value::from(text).to_string();
    json.replace('\u{7f}', "\\u007f")
}

/// A folder whose name is one of these texts, with a file of each kind.
pub(super) struct Materials {
    _folder: tempfile::TempDir,
    pub(super) place: PathBuf,
}

impl Materials {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join(EVIL.replace('/', ""));
        fs::create_dir(&place).expect("a folder");
        let all = Self { _folder: folder, place };
        let evil = quoted(&evil_in_files());
        all.write("i.toml", &inventory(&evil));
        all.write("events.toml", &format!("[[event]]\nat = \"2020-12-08T01:00:00Z\"\nkind = \"exemption-asked\"\nsubscription = \"shop\"\nwhy = {evil}\n"));
        all.write("edition.toml", &edition(&evil));
        all.write("c.pcapng", &capture(&evil_in_files()));
        all.write("PT1H.json", &flow_log(&evil_in_files()));
        all.write("mail.log", &mail_log(&evil_in_files()));
        all.write("az.json", &export(&evil_in_files()));
        all.write("az-subscription.json", &subscription(&evil_in_files()));
        all.write("scenario.toml", &format!("name = {evil}\ninventory = \"i.toml\"\n[[step]]\nname = {evil}\nconnect = {{ from = {evil}, to = {evil} }}\nexpect = {evil}\n"));
        all.write("junk", &evil_in_files());
        let row =
            json!({ "kind": "packet", "packet": 1, "verdict": evil_in_files(), "reason": "x" });
        all.write("golden.ndjson", &row.to_string());
        all.write(
            "golden.csv",
            &format!("packet,verdict,machine\n1,\"{}\",x\n", EVIL.replace('"', "")),
        );
        all.write("bad.ndjson", &json!({ "kind": evil_in_files() }).to_string());
        for (number, text) in bad_inventories(&evil).iter().enumerate() {
            all.write(&format!("bad{number}.toml"), text);
        }
        all
    }

    /// The numbers of the bad inventories.
    pub(super) fn bad() -> usize {
        bad_inventories("").len()
    }

    fn write(&self, name: &str, content: &(impl AsRef<[u8]> + ?Sized)) {
        fs::write(self.place.join(name), content).expect("written");
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        Path::new(&self.place).join(name)
    }
}

fn inventory(evil: &str) -> String {
    format!(
        "[subscription.shop]\noffer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"\nid = {evil}\n\
         [network.net]\naddress_space = [\"10.0.0.0/16\"]\n\
         capture = {{ interfaces = [{evil}] }}\n\
         [network.net.subnet.web]\nprefixes = [\"10.0.1.0/24\"]\ndelegated_to = {evil}\n\
         security_group = \"=nsg\"\n\
         [security-group.\"=nsg\"]\nrules = [{{ name = \"@deny\", priority = 100, direction = \"outbound\", \
         access = \"deny\", destination = \"198.51.100.0/24\" }}]\n\
         [machine.\"=1+1\"]\nsubscription = \"shop\"\nnetwork = \"net\"\naddresses = [\"10.0.1.4\"]\n\
         [[event]]\nat = \"2020-12-08T00:00:00Z\"\nkind = \"exemption-asked\"\nsubscription = \"shop\"\n\
         why = {evil}\n"
    )
}

/// Inventories that are refused, each with the text in another place.
fn bad_inventories(evil: &str) -> Vec<String> {
    let named = |table: &str, of: &str| format!("[{table}.{evil}]\n{of}\n");
    let base = "[subscription.s]\noffer = \"msdn\"\ncreated = \"2019-03-01\"\n[network.n]\naddress_space = [\"10.0.0.0/16\"]\n";
    let machine = |more: &str| {
        format!(
            "{base}[machine.m]\nsubscription = \"s\"\nnetwork = \"n\"\naddresses = [\"10.0.0.4\"]\n{more}\n"
        )
    };
    let event = |more: &str| format!("{base}[[event]]\nat = \"2020-12-08\"\n{more}\n");
    vec![
        named("subscription", "offer = \"msdn\"\ncreated = \"2019-03-01\""),
        named("network", "address_space = [\"10.0.0.0/16\"]"),
        format!("{base}[network.n.subnet.{evil}]\nprefixes = [\"10.0.0.0/24\"]"),
        named("route-table", "routes = []"),
        format!(
            "{base}[network.n.subnet.default]\nprefixes = [\"10.0.0.0/24\"]\n[firewall.{evil}]\nsubscription = \"s\"\nnetwork = \"n\"\naddress = \"10.0.0.5\""
        ),
        named("nat-gateway", ""),
        named("load-balancer", "addresses = [\"203.0.113.1\"]"),
        named("security-group", ""),
        named("admin-rules", "networks = []"),
        format!(
            "[security-group.g]\nrules = [{{ name = {evil}, priority = 100, direction = \"outbound\", access = \"deny\" }}]"
        ),
        machine(&format!("application_security_groups = [{evil}]")),
        machine("").replace("machine.m", &format!("machine.{evil}")),
        machine(&format!("security_group = {evil}")),
        machine("")
            .replace("subscription = \"s\"\nnetwork", &format!("subscription = {evil}\nnetwork")),
        machine("").replace("\"10.0.0.4\"", evil),
        event(&format!("kind = {evil}")),
        event(&format!("kind = \"exemption-asked\"\nsubscription = {evil}")),
        event(&format!("kind = \"exemption-asked\"\nsubscription = \"s\"\nchannel = {evil}")),
        event(&format!("kind = \"machine-started\"\nmachine = {evil}")),
        event("kind = \"x\"").replace("\"2020-12-08\"", evil),
        format!("edition = {evil}"),
        format!("service_tag_file = {evil}"),
        format!("[settings]\n{evil} = \"yes\""),
        format!("[settings]\nblock_form = {evil}"),
        format!("{evil} = 1"),
        format!("[subscription.s]\noffer = {evil}\ncreated = {evil}"),
        format!("[subscription.s]\noffer = \"msdn\"\ncreated = {evil}"),
        "a = \u{1b}[31m \u{9b}2J\u{202e}\nFORGED \0 [".to_owned(),
        "# \u{1b}]0;t\u{7}\u{202e}\n[subscription.x\r]\n\u{7f}".to_owned(),
    ]
}

fn edition(evil: &str) -> String {
    format!(
        "id = \"own\"\nas = \"2020-12\"\ntitle = {evil}\nnotes = [{evil}]\n[[statement]]\nid = \"ZZ1\"\nkind = \"rule\"\ntext = {evil}\n[topics]\nblock = [\"G1\", \"ZZ1\"]\n"
    )
}

/// A pcapng of a SYN with an interface's name and comments of the section, the interface, the packet.
fn capture(evil: &str) -> Vec<u8> {
    let option = |code: u16, text: &str| {
        let mut bytes = code.to_le_bytes().to_vec();
        bytes.extend(u16::try_from(text.len()).expect("short").to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let block = |kind: u32, body: &[u8]| {
        let length = u32::try_from(body.len() + 12).expect("short").to_le_bytes();
        [&kind.to_le_bytes(), &length[..], body, &length[..]].concat()
    };
    let end = [0; 4];
    let header = [&[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0], &[0xff; 8][..]].concat();
    let section = [&header[..], &option(1, evil), &option(4, evil), &end].concat();
    let interface =
        [&[101, 0, 0, 0, 0, 0, 4, 0][..], &option(1, evil), &option(2, evil), &end].concat();
    let packet = mail([10, 0, 1, 4], [203, 0, 113, 25]);
    let micros = u64::from(MIDNIGHT) * 1_000_000;
    let halves =
        [micros >> 32, micros & 0xffff_ffff].map(|half| u32::try_from(half).expect("half"));
    let length = u32::try_from(packet.len()).expect("short");
    let fixed: Vec<u8> = [0, halves[0], halves[1], length, length]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    let mut data = packet;
    data.resize(data.len().next_multiple_of(4), 0);
    let forged = option(1, &format!("egress25: pass exempt {evil}"));
    let packet = [&fixed[..], &data, &option(1, evil), &forged, &end].concat();
    [block(0x0a0d_0d0a, &section), block(1, &interface), block(6, &packet)].concat()
}

fn flow_log(evil: &str) -> String {
    let tuples = [
        "1607385607000,10.0.1.4,203.0.113.25,40001,25,6,O,B,NX,0,0,0,0",
        "1607385640000,10.0.1.5,203.0.113.25,40003,25,6,O,D,NX,0,0,0,0",
    ];
    json!({ "records": [{
        "time": "2020-12-08T00:00:52.1Z", "flowLogVersion": 4, "macAddress": evil,
        "category": "FlowLogFlowEvent", "operationName": evil, "flowLogResourceID": evil,
        "targetResourceID": evil,
        "flowRecords": { "flows": [{ "aclID": evil,
            "flowGroups": [{ "rule": evil, "flowTuples": tuples }] }] },
    }, { "time": evil, "flowLogVersion": 4 }] })
    .to_string()
}

fn mail_log(evil: &str) -> String {
    let line = |host: &str, why: &str| {
        format!(
            "Nov 28 05:49:48 vm postfix/smtp[175]: E181844: to=<u@example.net>, relay=none, delay=30, \
             delays=0/0/30/0, dsn=4.4.1, status=deferred (connect to {host}[203.0.113.25]:25: {why})\n"
        )
    };
    let name = evil.replace(['\n', '\r'], "");
    [
        line("mx.example.net", "Connection timed out"),
        line(&name, "Connection timed out"),
        line("mx.example.net", &name),
        evil.to_owned(),
    ]
    .concat()
}

fn subscription(evil: &str) -> String {
    json!([{ "id": "/subscriptions/00000000-0000-0000-0000-000000000025", "name": evil,
             "type": "microsoft.resources/subscriptions" }])
    .to_string()
}

fn export(evil: &str) -> String {
    let id =
        |kind: &str| format!("/subscriptions/{evil}/resourceGroups/{evil}/providers/{kind}/{evil}");
    let network = id("Microsoft.Network/virtualNetworks");
    json!([
        { "id": network, "name": evil, "type": "microsoft.network/virtualnetworks", "location": evil,
          "properties": { "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] }, "subnets": [
            { "id": format!("{network}/subnets/{evil}"), "name": evil,
              "properties": { "addressPrefix": "10.0.1.0/24", "delegations": [{ "name": evil,
                "properties": { "serviceName": evil } }] } }] } },
        { "id": id("Microsoft.Network/networkSecurityGroups"), "name": evil,
          "type": "microsoft.network/networksecuritygroups",
          "properties": { "securityRules": [{ "name": evil, "properties": { "priority": 100,
            "direction": "Outbound", "access": "Deny", "protocol": evil,
            "sourceAddressPrefix": evil, "destinationAddressPrefix": "*",
            "sourcePortRange": "*", "destinationPortRange": evil } }] } },
        { "id": id("Microsoft.Compute/virtualMachines"), "name": evil,
          "type": "microsoft.compute/virtualmachines", "tags": { evil: evil },
          "properties": { "networkProfile": { "networkInterfaces": [{ "id": id("Microsoft.Network/networkInterfaces") }] } } },
        { "id": id("Microsoft.Network/networkInterfaces"), "name": evil,
          "type": "microsoft.network/networkinterfaces", "properties": { "ipConfigurations": [
            { "name": evil, "properties": { "privateIPAddress": "10.0.1.4",
              "subnet": { "id": format!("{network}/subnets/{evil}") } } }] } },
        { "id": evil, "name": evil, "type": evil, "properties": evil },
    ])
    .to_string()
}
