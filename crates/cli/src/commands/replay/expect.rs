//! `--expect` and `--expect-connections`: the rows of a golden file against those of this replay.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use crate::SCHEMA_VERSION;
use crate::args::ReplayArgs;
use crate::commands::connections::row::ConnectionRow;
use crate::commands::replay::row::PacketRow;
use crate::say::cell::csv_cell;
use crate::say::console::{Console, MAX_QUOTED, shortened};
use crate::say::failure::Failure;
use crate::say::output::{OfAnotherPage, TableRow, text};

/// How many differences are shown, and how much of each, in bytes.
const SHOWN: usize = 20;
const MAX_SHOWN: usize = 160;

/// The longest line of a golden file in bytes: the rows of the capture in `fixtures/` have up to
/// 410, and a file without an end of line does not fill the memory.
const MAX_LINE: u64 = 1024 * 1024;

/// A row as text, by column.
type Columns = BTreeMap<String, String>;

/// What is expected of a replay.
pub(super) struct Expected {
    pub(super) packets: Option<Golden>,
    pub(super) connections: Option<Golden>,
}

impl Expected {
    /// Opens the golden files that the arguments name.
    pub(super) fn open(args: &ReplayArgs) -> Result<Self, Failure> {
        let open = |path: &Option<PathBuf>, rows| {
            path.as_deref().map(|path| Golden::open(path, rows)).transpose()
        };
        let packets = RowKind { kind: "packet", columns: PacketRow::COLUMNS };
        let connections = RowKind { kind: "connection", columns: ConnectionRow::COLUMNS };
        Ok(Self {
            packets: open(&args.expect, packets)?,
            connections: open(&args.expect_connections, connections)?,
        })
    }

    /// Compares the connections, and says how they and the packets differ, where they do.
    pub(super) fn finish(
        self,
        connections: &[ConnectionRow<'_>],
        console: &Console,
    ) -> Result<(), Failure> {
        let mut of_connections = Ok(());
        if let Some(mut golden) = self.connections {
            for row in connections {
                golden.row((row.packet, row.depth), row)?;
            }
            of_connections = golden.finish(console);
        }
        let of_packets = self.packets.map_or(Ok(()), |golden| golden.finish(console));
        if let (Err(of_connections), Err(_)) = (&of_connections, &of_packets) {
            // One failure is told at the end; nothing of the other may be lost.
            console.report(of_connections);
        }
        of_packets.and(of_connections)
    }
}

/// What the rows of a golden file are.
#[derive(Clone, Copy)]
struct RowKind {
    /// Their kind, as NDJSON names it.
    kind: &'static str,
    columns: &'static [&'static str],
}

impl RowKind {
    /// Makes sure that a row has what such rows have, and something that is worth comparing.
    fn check<'a>(self, name: &str, columns: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
        let Self { kind, columns: known } = self;
        let mut decides = false;
        for column in columns {
            if !known.contains(&column) && !matches!(column, "kind" | "schema_version") {
                return Err(bad(name, &format!("`{column}` is no column of a {kind}'s row")));
            }
            decides |= matches!(column, "verdict" | "reason");
        }
        if !decides {
            return Err(bad(name, &"a row says neither `verdict` nor `reason`"));
        }
        Ok(())
    }
}

/// A golden file, read row by row as the replay goes on: both are in order of the packets.
pub(super) struct Golden {
    name: String,
    /// What its rows are.
    is_of: RowKind,
    lines: GoldenLines,
    next: Option<(u64, u64, Columns)>,
    rows: u64,
    differences: usize,
    shown: Vec<String>,
}

enum GoldenLines {
    Ndjson { input: BufReader<File>, line: u64 },
    Csv { records: Box<CsvRows>, header: csv::StringRecord },
}

/// The rows of a CSV, none of which is longer than [`MAX_LINE`].
struct CsvRows {
    reader: csv::Reader<Rationed>,
    left: Rc<Cell<u64>>,
}

impl CsvRows {
    fn new(input: BufReader<File>) -> Self {
        let left = Rc::new(Cell::new(MAX_LINE));
        let reader = csv::Reader::from_reader(Rationed { input, left: left.clone() });
        Self { reader, left }
    }

    fn read(&mut self, record: &mut csv::StringRecord) -> csv::Result<bool> {
        self.left.set(MAX_LINE);
        self.reader.read_record(record)
    }
}

/// A file of which no more is read for a row than a row can have.
struct Rationed {
    input: BufReader<File>,
    left: Rc<Cell<u64>>,
}

impl Read for Rationed {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            let what = format!("a row is longer than {MAX_LINE} bytes, which none is");
            return Err(io::Error::other(what));
        }
        let read = self.input.by_ref().take(self.left.get()).read(bytes)?;
        let taken = u64::try_from(read).unwrap_or(u64::MAX);
        self.left.set(self.left.get().saturating_sub(taken));
        Ok(read)
    }
}

impl Golden {
    /// Opens a golden file of rows of a kind; its first byte tells the format.
    fn open(path: &Path, is_of: RowKind) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let failed = |source| Failure::Read { name: name.clone(), source };
        let mut input = BufReader::new(File::open(path).map_err(failed)?);
        if input.fill_buf().map_err(failed)?.starts_with(b"\xef\xbb\xbf") {
            input.consume(3);
        }
        let first = input.fill_buf().map_err(failed)?.first().copied();
        let lines = match first {
            None => return Err(bad(&name, &"it is empty")),
            Some(b'{') => GoldenLines::Ndjson { input, line: 0 },
            Some(_) => {
                let mut records = Box::new(CsvRows::new(input));
                let header = records.reader.headers().map_err(|error| bad(&name, &error))?.clone();
                if !header.iter().any(|column| column == "packet") {
                    return Err(bad(&name, &"it has no column `packet`"));
                }
                let mut met = BTreeSet::new();
                if let Some(column) = header.iter().find(|column| !met.insert(*column)) {
                    return Err(bad(&name, &format!("`{column}` stands twice")));
                }
                is_of.check(&name, header.iter())?;
                GoldenLines::Csv { records, header }
            }
        };
        let mut golden =
            Self { name, is_of, lines, next: None, rows: 0, differences: 0, shown: Vec::new() };
        golden.advance()?;
        Ok(golden)
    }

    /// Compares the next row of the replay, which is of a packet at a depth.
    pub(super) fn row<R: TableRow>(
        &mut self,
        (number, depth): (u64, u32),
        row: &R,
    ) -> Result<(), Failure> {
        self.rows = self.rows.saturating_add(1);
        let place = (number, u64::from(depth));
        while let Some((packet, depth, columns)) = &self.next
            && (*packet, *depth) < place
        {
            let text = format!("- packet {packet}: {}", outline(columns));
            self.differ(text);
            self.advance()?;
        }
        let found: Columns =
            R::COLUMNS.iter().map(|name| (*name).to_owned()).zip(row.cells()).collect();
        // What a CSV spells, so that no sheet takes it for a formula, is the same text.
        let is_csv = matches!(self.lines, GoldenLines::Csv { .. });
        let differs = |found: &str, expected: &str| {
            found != expected && !(is_csv && csv_cell(found) == expected)
        };
        match &self.next {
            Some((packet, depth, expected)) if (*packet, *depth) == place => {
                let changed: Vec<_> = expected
                    .iter()
                    .filter_map(|(name, expected)| {
                        let found = found.get(name)?;
                        differs(found, expected)
                            .then(|| format!("{name} `{found}`, expected `{expected}`"))
                    })
                    .collect();
                if !changed.is_empty() {
                    let text = format!("~ packet {packet}: {}", changed.join("; "));
                    self.differ(text);
                }
                self.advance()
            }
            _ => {
                self.differ(format!("+ packet {number}: {}", outline(&found)));
                Ok(())
            }
        }
    }

    /// Says how the rows differ, where they do.
    pub(super) fn finish(mut self, console: &Console) -> Result<(), Failure> {
        while let Some((packet, _, columns)) = &self.next {
            let text = format!("- packet {packet}: {}", outline(columns));
            self.differ(text);
            self.advance()?;
        }
        if self.differences == 0 {
            console.note(&format!("{} rows, all as `{}` expects them", self.rows, self.name));
            return Ok(());
        }
        let mut lines = vec![format!(
            "the rows are not those of `{}` (- expected and missing, + not expected, ~ changed):",
            self.name
        )];
        lines.extend(self.shown.iter().map(|line| format!("  {line}")));
        let more = self.differences.saturating_sub(self.shown.len());
        if more > 0 {
            lines.push(format!("  and {more} more"));
        }
        Err(Failure::DifferIn(lines))
    }

    fn differ(&mut self, text: String) {
        self.differences = self.differences.saturating_add(1);
        if self.shown.len() < SHOWN {
            self.shown.push(shortened(text, MAX_SHOWN));
        }
    }

    /// Reads the next golden row.
    fn advance(&mut self) -> Result<(), Failure> {
        let before = self.next.take();
        let columns = match &mut self.lines {
            GoldenLines::Ndjson { input, line } => next_line(&self.name, self.is_of, input, line)?,
            GoldenLines::Csv { records, header } => next_record(&self.name, records, header)?,
        };
        let Some(columns) = columns else { return Ok(()) };
        // A CSV has them in columns, where they stand at all.
        let is_of = [("kind", self.is_of.kind), ("schema_version", &SCHEMA_VERSION.to_string())];
        for (name, right) in is_of {
            if let Some(other) = columns.get(name).filter(|other| *other != right) {
                let what = format!("a row has the {name} `{other}`; expected `{right}`");
                return Err(bad(&self.name, &what));
            }
        }
        let number = |name: &str| match columns.get(name) {
            None if name == "depth" => Ok(0),
            Some(text) => text.parse::<u64>().map_err(|_| {
                bad(&self.name, &format!("`{text}` is no number of a packet (column `{name}`)"))
            }),
            None => Err(bad(&self.name, &format!("a row has no `{name}`"))),
        };
        let (packet, depth) = (number("packet")?, number("depth")?);
        if before.is_some_and(|(earlier, deep, _)| (packet, depth) <= (earlier, deep)) {
            return Err(bad(&self.name, &format!("packet {packet} is not in order")));
        }
        self.next = Some((packet, depth, columns));
        Ok(())
    }
}

fn bad(name: &str, what: &impl std::fmt::Display) -> Failure {
    Failure::Usage(format!(
        "`{name}` is no golden file of a replay: {}",
        shortened(what.to_string(), MAX_QUOTED)
    ))
}

/// What a row comes to, for a person.
fn outline(columns: &Columns) -> String {
    let text = |name: &str| columns.get(name).map_or("", String::as_str);
    format!(
        "{} {} -> {} {}",
        if text("machine").is_empty() { text("source") } else { text("machine") },
        text("verdict"),
        text("destination"),
        text("reason")
    )
}

/// A row of NDJSON. JSON lets a key stand twice, and the last one would be believed.
struct Row(serde_json::Map<String, Value>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Row;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut row = serde_json::Map::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    let twice = format!("`{key}` stands twice");
                    if row.insert(key, value).is_some() {
                        return Err(A::Error::custom(twice));
                    }
                }
                Ok(Row(row))
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

fn next_line(
    name: &str,
    is_of: RowKind,
    input: &mut BufReader<File>,
    number: &mut u64,
) -> Result<Option<Columns>, Failure> {
    let mut line = String::new();
    loop {
        line.clear();
        let read = input.by_ref().take(MAX_LINE.saturating_add(1)).read_line(&mut line);
        let read = read.map_err(|source| Failure::Read { name: name.to_owned(), source })?;
        if u64::try_from(read).is_ok_and(|read| read > MAX_LINE) {
            let what = format!("a line is longer than {MAX_LINE} bytes, which no row is");
            return Err(bad(name, &what));
        }
        if read == 0 {
            return Ok(None);
        }
        *number = number.saturating_add(1);
        if line.trim().is_empty() {
            continue;
        }
        let Row(object) = serde_json::from_str(&line)
            .map_err(|error| bad(name, &format!("line {number}: {error}")))?;
        match object.get("kind").and_then(Value::as_str) {
            None => return Err(bad(name, &format!("line {number} has no `kind`"))),
            Some("summary") => continue,
            Some(other @ ("packet" | "connection")) if other != is_of.kind => {
                let what = format!("line {number} is of a {other}: this compares {}s", is_of.kind);
                return Err(bad(name, &what));
            }
            Some(other) if other != is_of.kind => {
                let what = format!(
                    "line {number} is of the kind `{other}`; expected `{}` or `summary`",
                    is_of.kind
                );
                return Err(bad(name, &what));
            }
            Some(_) => is_of.check(name, object.keys().map(String::as_str))?,
        }
        let cell = |key: &str, value| match key {
            "sources" => OfAnotherPage::cell_of_json(value),
            _ => text(value),
        };
        let columns = object.iter().map(|(key, value)| (key.clone(), cell(key, value)));
        return Ok(Some(columns.collect()));
    }
}

fn next_record(
    name: &str,
    records: &mut CsvRows,
    header: &csv::StringRecord,
) -> Result<Option<Columns>, Failure> {
    let mut record = csv::StringRecord::new();
    let more = records.read(&mut record).map_err(|error| bad(name, &error))?;
    let columns = header.iter().map(str::to_owned).zip(record.iter().map(str::to_owned));
    Ok(more.then(|| columns.collect()))
}
