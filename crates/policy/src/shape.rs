//! Shapes of texts in files, as the schemas describe them: what a schema takes, the parser takes.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A number of an IPv4 address.
macro_rules! octet {
    () => {
        "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
    };
}

/// A group of an IPv6 address.
macro_rules! group {
    () => {
        "[0-9a-fA-F]{1,4}"
    };
}

/// An IPv4 address.
macro_rules! v4 {
    () => {
        concat!("(", octet!(), "\\.){3}", octet!())
    };
}

/// An IPv6 address; the forms with an IPv4 address at their end are left out.
macro_rules! v6 {
    () => {
        concat!(
            "((",
            group!(),
            ":){7}",
            group!(),
            "|(",
            group!(),
            ":){1,7}:|(",
            group!(),
            ":){1,6}:",
            group!(),
            "|(",
            group!(),
            ":){1,5}(:",
            group!(),
            "){1,2}|(",
            group!(),
            ":){1,4}(:",
            group!(),
            "){1,3}|(",
            group!(),
            ":){1,3}(:",
            group!(),
            "){1,4}|(",
            group!(),
            ":){1,2}(:",
            group!(),
            "){1,5}|",
            group!(),
            ":(:",
            group!(),
            "){1,6}|:(:",
            group!(),
            "){1,7}|::)"
        )
    };
}

/// A prefix with its length.
macro_rules! prefix {
    () => {
        concat!(v4!(), "/(3[0-2]|[12]?[0-9])|", v6!(), "/(12[0-8]|1[01][0-9]|[1-9]?[0-9])")
    };
}

/// A port.
macro_rules! port {
    () => {
        "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4})"
    };
}

macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident: $schema:tt;)+) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )+};
}

shapes! {
    /// A prefix, such as `10.0.0.0/16` or `2001:db8::/32`.
    Prefix: { "type": "string", "pattern": (concat!("^(", prefix!(), ")$")) };
    /// A day.
    Day: { "type": "string", "format": "date" };
    /// A moment with its zone, or a day, which is its first moment.
    Moment: { "anyOf": [
        { "type": "string", "format": "date-time" },
        { "type": "string", "format": "date" },
    ] };
    /// What a security rule names: everything, an address, a prefix or a service tag.
    OneTarget: {
        "type": "string",
        "pattern": (concat!("^(\\*|", v4!(), "|", v6!(), "|", prefix!(), "|[a-zA-Z][a-zA-Z0-9._-]*)$"))
    };
    /// Ports in a text. That a range is not backwards, no pattern says: its format does.
    PortsText: {
        "type": "string",
        "format": "ports",
        "pattern": (concat!("^(\\*|", port!(), "(-", port!(), ")?)$"))
    };
}
