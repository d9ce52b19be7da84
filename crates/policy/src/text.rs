//! Text that somebody else wrote, as people may see it.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a sign shows as nothing and yet does something: it moves the cursor or ends the line
/// (control characters of both sets, the separators of lines and paragraphs), turns the direction
/// of what stands beside it, or makes two texts look alike (zero width, fillers, tags).
#[must_use]
pub const fn acts_unseen(sign: char) -> bool {
    matches!(sign,
        '\0'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// A text in one line without any sign that [`acts_unseen`]: such a sign is spelt, as `\n` or
/// `\u{202e}`. Every text that somebody else may have written goes through this function before
/// people see it.
#[must_use]
pub fn in_a_line(text: &str) -> Cow<'_, str> {
    if !text.contains(acts_unseen) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len().saturating_add(16));
    for sign in text.chars() {
        match sign {
            '\n' | '\r' | '\t' => shown.extend(sign.escape_default()),
            sign if acts_unseen(sign) => shown.extend(sign.escape_unicode()),
            sign => shown.push(sign),
        }
    }
    Cow::Owned(shown)
}

/// A text of several lines, each as [`in_a_line`] has it: for texts whose ends of lines are ours.
#[must_use]
pub fn in_lines(text: &str) -> String {
    text.split('\n').map(in_a_line).collect::<Vec<_>>().join("\n")
}

/// A text as a shell takes it for one word; what cannot be shown is spelt as bash, zsh and others take
/// it, byte by byte, in whatever locale.
#[must_use]
pub fn shell_word(text: &str) -> String {
    shell_bytes(text.as_bytes())
}

/// As [`shell_word`], of a text that may be no UTF-8, such as a path.
#[must_use]
pub fn shell_bytes(bytes: &[u8]) -> String {
    let plain = |sign: char| sign.is_alphanumeric() || "/.-_+,:=@%".contains(sign);
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && text.chars().all(plain) => return text.to_owned(),
        Ok(text) if !text.contains(acts_unseen) => {
            return format!("'{}'", text.replace('\'', "'\\''"));
        }
        _ => {}
    }
    let mut word = String::from("$'");
    for chunk in bytes.utf8_chunks() {
        for sign in chunk.valid().chars() {
            match sign {
                '\'' | '\\' => word.extend(['\\', sign]),
                sign if acts_unseen(sign) => {
                    spell(sign.encode_utf8(&mut [0; 4]).as_bytes(), &mut word);
                }
                sign => word.push(sign),
            }
        }
        spell(chunk.invalid(), &mut word);
    }
    word + "'"
}

fn spell(bytes: &[u8], word: &mut String) {
    for byte in bytes {
        // A String takes whatever is written to it.
        let _ = write!(word, "\\x{byte:02x}");
    }
}

/// JSON with escapes for what acts unseen. Its own rules escape the first control characters alone;
/// DEL, those of C1 and what turns the direction of writing may stand as they are, and act where
/// somebody looks at it. Whoever reads the escapes reads the same text.
#[must_use]
pub fn json_in_sight(json: String) -> String {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n');
    if json.as_bytes().iter().all(is_plain) {
        return json;
    }
    in_sight(&json, |shown, sign| {
        for unit in sign.encode_utf16(&mut [0; 2]) {
            // A String takes whatever is written to it.
            let _ = write!(shown, "\\u{unit:04x}");
        }
    })
}

/// A text as TOML writes it, in a line, with escapes for what acts unseen: whoever reads it has the same
/// text. JSON's other escapes are TOML's.
#[must_use]
pub fn toml_in_sight(text: &str) -> String {
    in_sight(&serde_json::Value::from(text).to_string(), |shown, sign| {
        // A String takes whatever is written to it.
        let _ = write!(shown, "\\U{:08x}", u32::from(sign));
    })
}

/// A document with what acts unseen written by a closure, but for the ends of its lines.
fn in_sight(document: &str, spell: impl Fn(&mut String, char)) -> String {
    let mut shown = String::with_capacity(document.len());
    for sign in document.chars() {
        if sign != '\n' && acts_unseen(sign) {
            spell(&mut shown, sign);
        } else {
            shown.push(sign);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_unseen_is_spelt_and_all_else_is_as_it_was() {
        assert_eq!(in_a_line("a\n\r\tb\0\u{1b}[31m"), "a\\n\\r\\tb\\u{0}\\u{1b}[31m");
        assert_eq!(in_a_line("\u{9b}\u{7f}\u{202e}\u{2066}"), "\\u{9b}\\u{7f}\\u{202e}\\u{2066}");
        assert_eq!(in_a_line("\u{200b}\u{feff}\u{2028}"), "\\u{200b}\\u{feff}\\u{2028}");
        let seen = "Überweisung, 日本語, שלום, 😀 `\\` \"'<&>";
        assert!(matches!(in_a_line(seen), Cow::Borrowed(text) if text == seen));
    }

    #[test]
    fn a_word_to_type_fell_apart() {
        for (text, word) in [
            ("own.pcap", "own.pcap"),
            ("my own.pcap", "'my own.pcap'"),
            ("", "''"),
            ("it's", r"'it'\''s'"),
            ("a'\n\u{202e}b", r"$'a\'\x0a\xe2\x80\xaeb'"),
        ] {
            assert_eq!(shell_word(text), word);
        }
        assert_eq!(shell_bytes(b"\xff.pcap"), r"$'\xff.pcap'");
    }

    #[test]
    fn no_control_character_was_forgotten() {
        let forgotten = ('\0'..=char::MAX).find(|sign| sign.is_control() && !acts_unseen(*sign));
        assert_eq!(forgotten, None);
    }
}
