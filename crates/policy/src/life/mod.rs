//! What happens: exemptions, power, events, and a world as it was at a time.

pub(crate) mod change;
pub(crate) mod event;
pub(crate) mod exemption;
pub(crate) mod power;
pub(crate) mod requests;
pub(crate) mod timeline;
pub(crate) mod transition;
