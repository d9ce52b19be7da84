//! Closed sets of plain values.

/// Declares a closed set of plain values with their stable names and rules.
macro_rules! closed_set {
    (
        $(#[$doc:meta])*
        $set:ident { $($(#[doc = $about:literal])+ $value:ident = $name:literal),+ $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $set {
            $($(#[doc = $about])+ $value),+
        }

        impl $set {
            /// Every value, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$value),+];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $name),+
                }
            }

            /// What it means, in one sentence, with the rule that it rests on.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$value => concat!($($about),+).trim_ascii()),+
                }
            }
        }

        impl core::fmt::Display for $set {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(super) use closed_set;
