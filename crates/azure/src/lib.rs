//! Exports of Azure to an inventory of egress25.
//!
//! What a tenant holds comes in many shapes: answers of Resource Graph, of the API (`value`),
//! output of az in its old and its new spelling, the portal's view of one resource, Terraform's
//! state and plan, the activity log. All are recognised by their shape, brought into one normal
//! form, joined by their ids, and written as an inventory. What an export does not say is a
//! [`Gap`], named in the inventory where it belongs: no date, offer or exemption is ever guessed.
//!
//! ```
//! use egress25_azure::{Input, Told, import};
//!
//! let export = r#"{
//!     "id": "/subscriptions/1/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub",
//!     "name": "hub",
//!     "properties": { "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] } }
//! }"#;
//! let input = Input { name: "hub.json", text: export, routes_of: None };
//! let imported = import(&[input], &Told::default())?;
//! assert!(imported.inventory.contains("[network.hub]\naddress_space = [\"10.0.0.0/16\"]"));
//! assert!(imported.gaps.iter().any(|gap| gap.kind.name() == "offer-unknown"));
//! # Ok::<(), egress25_azure::ImportError>(())
//! ```
//!
//! It is pure: no input or output, no clock, no environment. Only what an inventory has is read of
//! an export; nothing else of it reaches an output or an error, be it a password or a tag.

mod activity;
mod arm;
mod block;
mod counts;
mod envelope;
mod error;
mod export;
mod fields;
mod gaps;
mod id;
mod import;
mod moments;
mod names;
mod resource;
mod shape;
mod terraform;
mod told;

pub use counts::Counts;
pub use error::{ImportError, Missing, NotAnExport};
pub use gaps::{Gap, GapKind, grouped};
pub use import::{Imported, Input, import};
pub use told::{Of, Told};
