//! What the article says: editions, their statements, offers and settings; and the reasons of
//! answers.

pub(crate) mod check;
pub(crate) mod edition;
pub(crate) mod load;
pub(crate) mod network;
pub(crate) mod offer;
pub(crate) mod quota;
pub(crate) mod reason;
pub(crate) mod settings;
pub(crate) mod statement;
pub(crate) mod stopped_by;
pub(crate) mod verdict;
