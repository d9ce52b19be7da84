//! What exports are wrapped in, and whether they are whole.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::error::{ImportError, Missing};
use crate::fields::{Fields, Look as _, normal};
use crate::{shape, terraform};

/// The most values of a file: 60,000 machines have fewer, and each takes some ten times its text in
/// memory.
const MAX_VALUES: usize = 4_000_000;

/// By which keys an answer of the API says that there is another page.
const GOES_ON: [&str; 8] = [
    "nextLink",
    "@odata.nextLink",
    "odata.nextLink",
    "nextMarker",
    "nextToken",
    "skipToken",
    "$skipToken",
    "skip_token",
];

/// Something in an export.
#[derive(Debug)]
pub(crate) enum Item {
    /// A resource.
    Resource(Fields),
    /// An entry of the activity log.
    Activity(Fields),
    /// An effective route.
    Route(Fields),
    /// The effective rules of a security group.
    Rules(Fields),
    /// What Terraform joins and does not know yet, by its name.
    Unplaced(String),
}

/// A file as it was read.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) items: Vec<Item>,
    pages: Vec<Page>,
}

/// How much of an answer of Resource Graph a file has.
#[derive(Debug)]
struct Page {
    /// The ids of its rows, in small letters: a page that is given twice is one.
    ids: BTreeSet<String>,
    all: u64,
    goes_on: bool,
}

/// Reads a file.
///
/// # Errors
/// It is no export, or a part of one that shows in it alone.
pub(crate) fn read(file: &str, text: &str) -> Result<Document, ImportError> {
    let text = text.trim_start_matches('\u{feff}');
    if text.bytes().filter(|byte| *byte == b',').count() > MAX_VALUES {
        return Err(ImportError::TooLong { file: file.to_owned(), most: MAX_VALUES });
    }
    if text.trim().is_empty() {
        return Err(ImportError::Empty { file: file.to_owned() });
    }
    let mut values = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        values.push(value.map_err(|error| match shape::of_text(text) {
            Some(what) => ImportError::NotAnExport { file: file.to_owned(), what },
            None => ImportError::NoJson {
                file: file.to_owned(),
                line: error.line(),
                column: error.column(),
            },
        })?);
    }
    let mut document = Document { items: Vec::new(), pages: Vec::new() };
    for value in values {
        if let Some(resources) = terraform::resources(&value) {
            document.items.extend(resources.all.into_iter().map(Item::Resource));
            document.items.extend(resources.unplaced.into_iter().map(Item::Unplaced));
            continue;
        }
        let value = normal(value);
        if let Some(what) = shape::of_value(&value) {
            return Err(ImportError::NotAnExport { file: file.to_owned(), what });
        }
        document.add(file, value)?;
    }
    Ok(document)
}

impl Document {
    fn add(&mut self, file: &str, value: Value) -> Result<(), ImportError> {
        let unknown = || ImportError::Unknown { file: file.to_owned() };
        let cut = |of| ImportError::Cut { file: file.to_owned(), of };
        let mut fields = match value {
            Value::Array(items) => {
                return items.into_iter().try_for_each(|item| self.add(file, item));
            }
            Value::Object(fields) => fields,
            _ => return Err(unknown()),
        };
        let is_graph = ["count", "totalrecords", "total_records"];
        if fields.contains_key("data") && is_graph.iter().any(|key| fields.contains_key(*key)) {
            return self.graph(file, fields);
        }
        if fields.get("value").is_some_and(Value::is_array) {
            let is_told = |key: &&&str| {
                let link = fields.get(&key.to_ascii_lowercase());
                link.is_some_and(|link| !link.is_null() && link != "")
            };
            if let Some(key) = GOES_ON.iter().find(is_told) {
                return Err(cut(Missing::NextPage(key)));
            }
            let items = fields.remove("value").unwrap_or_default();
            return self.add(file, items);
        }
        let routed = fields.get("addressprefix").is_some_and(Value::is_array);
        self.items.push(if fields.contains_key("effectivesecurityrules") {
            Item::Rules(fields)
        } else if fields.contains_key("eventtimestamp") && fields.contains_key("operationname") {
            Item::Activity(fields)
        } else if routed && fields.contains_key("nexthoptype") && !fields.contains_key("id") {
            Item::Route(fields)
        } else if fields.text("id").is_some() {
            Item::Resource(fields)
        } else {
            return Err(unknown());
        });
        Ok(())
    }

    /// An answer of Resource Graph: the rows as objects, or as a table.
    fn graph(&mut self, file: &str, mut fields: Fields) -> Result<(), ImportError> {
        let cut = |of| ImportError::Cut { file: file.to_owned(), of };
        let rows = match fields.remove("data") {
            Some(Value::Array(rows)) => rows,
            Some(Value::Object(table)) => table_rows(&table),
            _ => return Err(ImportError::Unknown { file: file.to_owned() }),
        };
        let count = |key: &str| fields.number(key).and_then(|count| u64::try_from(count).ok());
        let has = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let all = count("totalrecords").or_else(|| count("total_records"));
        let (said, all) = (count("count").unwrap_or(has), all.unwrap_or(has));
        let goes_on =
            ["$skiptoken", "skiptoken", "skip_token"].iter().any(|key| fields.text(key).is_some());
        if said > has {
            return Err(cut(Missing::Rows { has, all: said }));
        }
        if fields.flag("resulttruncated") == Some(true) && !goes_on {
            return Err(cut(Missing::Truncated));
        }
        let id = |(number, row): (usize, &Value)| {
            let id = row.get("id").and_then(Value::as_str).map(str::to_ascii_lowercase);
            id.unwrap_or_else(|| format!("{file} {number}"))
        };
        let ids = rows.iter().enumerate().map(id).collect();
        self.pages.push(Page { ids, all, goes_on });
        rows.into_iter().try_for_each(|row| self.add(file, row))
    }
}

/// The rows of the table form as objects.
fn table_rows(table: &Fields) -> Vec<Value> {
    let columns: Vec<_> =
        table.objects("columns").map(|column| column.text("name").unwrap_or_default()).collect();
    let rows = table.get("rows").and_then(Value::as_array).into_iter().flatten();
    let row = |cells: &Value| {
        let cells = cells.as_array().into_iter().flatten();
        let named = columns.iter().map(|name| (*name).to_owned()).zip(cells.cloned());
        normal(Value::Object(named.collect()))
    };
    rows.map(row).collect()
}

/// Whether the pages of Resource Graph's answers are all there, among all files.
///
/// # Errors
/// Some are not.
pub(crate) fn check_pages<'a>(
    documents: impl Iterator<Item = (&'a str, &'a Document)>,
) -> Result<(), ImportError> {
    // Pages of one answer have their total in common; a whole answer needs no other.
    let mut groups: BTreeMap<u64, Vec<(&str, &Page)>> = BTreeMap::new();
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    for (file, document) in documents {
        let is_part = |page: &&Page| page.goes_on || number(page.ids.len()) < page.all;
        for page in document.pages.iter().filter(is_part) {
            groups.entry(page.all).or_default().push((file, page));
        }
    }
    for (all, pages) in groups {
        let ids: BTreeSet<_> = pages.iter().flat_map(|(_, page)| &page.ids).collect();
        let has = number(ids.len());
        let ends = pages.iter().any(|(_, page)| !page.goes_on);
        // Answers to several questions may have as many rows each.
        let is_whole = has >= all && has.checked_rem(all).unwrap_or(0) == 0;
        if let Some((file, page)) = pages.first().filter(|_| !is_whole || !ends) {
            let is_part = number(page.ids.len()) < all;
            let has = if has > all { has.checked_rem(all).unwrap_or(0) } else { has };
            let of = if is_part { Missing::Rows { has, all } } else { Missing::SkipToken };
            return Err(ImportError::Cut { file: (*file).to_owned(), of });
        }
    }
    Ok(())
}
