//! What several programs write alike: errors of the system, servers, reply codes.

use std::net::IpAddr;

use crate::mail_log::attempt::{Destination, Outcome};

/// What an error of the system means for a connection, in the words of the C library.
pub(super) fn system_error(text: &str) -> Option<Outcome> {
    const ERRORS: [(&str, Outcome); 15] = [
        ("connection timed out", Outcome::TimedOut),
        ("operation timed out", Outcome::TimedOut),
        ("connect: timeout", Outcome::TimedOut),
        ("connection refused", Outcome::Refused),
        ("network is unreachable", Outcome::NetworkUnreachable),
        // A machine without the family, or with an interface that has no address of it.
        ("address family not supported", Outcome::NetworkUnreachable),
        ("cannot assign requested address", Outcome::NetworkUnreachable),
        ("no route to host", Outcome::HostUnreachable),
        ("host is unreachable", Outcome::HostUnreachable),
        ("connection reset by peer", Outcome::ConnectionLost),
        ("broken pipe", Outcome::ConnectionLost),
        ("name or service not known", Outcome::NameNotFound),
        ("no address associated with hostname", Outcome::NameNotFound),
        ("nodename nor servname provided", Outcome::NameNotFound),
        ("bad hostname", Outcome::NameNotFound),
    ];
    let text = text.to_ascii_lowercase();
    let found = ERRORS.iter().find(|(error, _)| text.contains(error)).map(|(_, outcome)| *outcome);
    found.or_else(|| is_not_answered(&text).then_some(Outcome::NameNotAnswered))
}

/// What the words mean that `getaddrinfo` failed with.
#[must_use]
pub fn of_resolver(text: &str) -> Outcome {
    match is_not_answered(&text.to_ascii_lowercase()) {
        true => Outcome::NameNotAnswered,
        false => Outcome::NameNotFound,
    }
}

/// Whether words are those of EAI_AGAIN: of glibc, or of musl.
fn is_not_answered(text: &str) -> bool {
    text.contains("temporary failure in name resolution") || text.trim_end().ends_with("try again")
}

/// `name[address]`, with or without `:port` behind it.
pub(super) fn in_brackets(text: &str) -> Option<(Destination, Option<u16>)> {
    let (name, rest) = text.split_once('[')?;
    let (address, behind) = rest.split_once(']')?;
    let address: IpAddr = address.trim_start_matches("IPv6:").parse().ok()?;
    let port = behind.strip_prefix(':').and_then(leading_number);
    let name = Destination::named(name.trim()).name;
    Some((Destination { name, address: Some(address) }, port))
}

/// `name:port`, where the name may be an address, in brackets or bare.
pub(super) fn with_port(text: &str) -> Option<(Destination, u16)> {
    let (name, port) = text.rsplit_once(':')?;
    let port = port.parse().ok()?;
    let to = Destination::named(name.trim_start_matches('[').trim_end_matches(']'));
    (!to.is_unknown()).then_some((to, port))
}

/// The number that a text begins with.
pub(super) fn leading_number(text: &str) -> Option<u16> {
    let digits = text.split(|sign: char| !sign.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// A reply code of SMTP that a text begins with: three digits, 200 to 599.
pub(super) fn reply_code(text: &str) -> Option<u16> {
    let digits = text.get(..3)?;
    let ends = !text.get(3..4).is_some_and(|next| next.starts_with(|n: char| n.is_ascii_digit()));
    let code = leading_number(digits).filter(|_| ends && !digits.contains(' '))?;
    (200..600).contains(&code).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_that_is_silent_was_a_name_that_is_not_found_by_musl() {
        let failed = |why| of_resolver(&format!("failed to lookup address information: {why}"));
        for silent in ["Temporary failure in name resolution", "Try again"] {
            assert_eq!(failed(silent), Outcome::NameNotAnswered, "{silent}");
        }
        for none in ["Name or service not known", "Name does not resolve"] {
            assert_eq!(failed(none), Outcome::NameNotFound, "{none}");
        }
    }
}
