//! A mail server and a mail client, as small as they can be (RFC 5321): so that a lab can show
//! a delivery without anything being installed.

mod client;
mod server;

pub(crate) use client::send;
pub(crate) use server::serve;
