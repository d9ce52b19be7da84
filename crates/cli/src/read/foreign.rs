//! What a file is that was given in the place of another, and the sentence that helps.

/// What a JSON text is, as far as its shape tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignJson {
    /// A flow log of a network or of a security group.
    FlowLog,
    /// Resources of Azure.
    Azure,
    /// Something else.
    Other,
}

impl ForeignJson {
    /// Looks at a text, or at the beginning of one; `None` where it is no JSON.
    ///
    /// Only the words that name a shape are looked for: nothing of the text is repeated.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        // A table of TOML begins with a bracket, too.
        let is_list = |rest: &str| rest.trim_start().starts_with(['{', ']']);
        if !text.starts_with('{') && !text.strip_prefix('[').is_some_and(is_list) {
            return None;
        }
        let has = |word: &str| text.contains(word);
        Some(if has("\"flowRecords\"") || has("FlowEvent") {
            Self::FlowLog
        } else if has("azurerm_") || has("/providers/") || has("Microsoft.") || has("/microsoft.") {
            Self::Azure
        } else {
            Self::Other
        })
    }

    /// What it is, and what to do with it.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::FlowLog => {
                "this is a flow log of Azure: it shows what security groups and admin rules decide, \
                 and no packets: `egress25 flows` judges what it shows"
            }
            Self::Azure => "this is Azure's JSON: `egress25 import` makes an inventory of it",
            Self::Other => {
                "this is JSON, and an inventory is TOML: `egress25 schema inventory` describes it"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ForeignJson;

    #[test]
    fn a_table_of_toml_was_no_json() {
        for toml in ["[subscription.a]", "[[event]]", "# {\nedition = \"2020-12\"", ""] {
            assert_eq!(ForeignJson::of(toml), None, "{toml}");
        }
        for (json, is) in [
            ("\u{feff}{\"records\": [{\"flowRecords\": {}}]}", ForeignJson::FlowLog),
            ("[{\"id\": \"/subscriptions/x/providers/Microsoft.Compute\"}]", ForeignJson::Azure),
            ("[]", ForeignJson::Other),
        ] {
            assert_eq!(ForeignJson::of(json), Some(is), "{json}");
        }
    }
}
