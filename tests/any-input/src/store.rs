//! The store's import: what it takes comes out again as the same bytes.

use std::fmt::Write as _;
use std::io::Cursor;

use egress25_exemption_store::{
    Hash, SqliteLog, SqliteOptions, Store, StoreError, StorePlace, export, import, verify,
};

/// What every export begins with; an input that does not is what an export is made of.
const EXPORT: &[u8] = b"{\"egress25_store\"";

/// In what is made an export this stands for an entry's own revision.
const ANY_REVISION: &str = "\"revision\":0";

/// An export is refused, or what is made of it opens, is sound, and is exported as it was.
///
/// Nobody finds a hash by trying: an input may be what is sealed here, the beginning in its first line
/// and an entry in every other.
pub fn store(input: &[u8]) {
    if input.starts_with(EXPORT) {
        if let Ok(log) = imported(input) {
            let once = exported(log);
            let twice = exported(imported(&once).expect("what was exported"));
            assert_eq!(String::from_utf8_lossy(&once), String::from_utf8_lossy(&twice));
        }
        return;
    }
    let Some(sealed) = std::str::from_utf8(input).ok().and_then(sealed) else { return };
    if let Ok(log) = imported(sealed.as_bytes()) {
        assert_eq!(String::from_utf8_lossy(&exported(log)), sealed);
    }
}

/// Imports into memory.
fn imported(bytes: &[u8]) -> Result<SqliteLog, StoreError> {
    import(&mut Cursor::new(bytes), |genesis| {
        SqliteLog::create_from(&StorePlace::Memory, genesis, SqliteOptions::default())
    })
}

/// Exports a log, which has to be sound.
fn exported(log: SqliteLog) -> Vec<u8> {
    let report = verify(&log, None).expect("a log that can be read");
    assert!(report.is_clean(), "{:?}", report.findings);
    let store = Store::open(log).expect("a log that opens");
    let mut bytes = Vec::new();
    export(&store, &mut bytes).expect("a log that can be exported");
    bytes
}

/// An export of lines, each with the seal that fits; `None` where there is none.
fn sealed(text: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let genesis = lines.next()?;
    let mut head = Hash::of(&[b"egress25 exemption store, genesis\n", genesis.as_bytes()]);
    let (mut entries, mut revision) = (String::new(), 0_u64);
    for line in lines {
        revision += 1;
        let body = line.replacen(ANY_REVISION, &format!("\"revision\":{revision}"), 1);
        head = Hash::of(&[head.as_bytes(), body.as_bytes()]);
        let checksum = crc32fast::hash(body.as_bytes());
        let line = format!("{{\"entry\":{body},\"checksum\":{checksum},\"hash\":\"{head}\"}}");
        writeln!(entries, "{line}").ok()?;
    }
    Some(format!(
        "{{\"egress25_store\":1,\"revision\":{revision},\"hash\":\"{head}\",\"genesis\":{genesis}}}\n\
         {entries}"
    ))
}
