//! A real Postfix on a machine of the lab: its configuration, and its log.

use std::path::Path;

/// The folders that an instance needs below its own.
pub(super) const FOLDERS: [&str; 3] = ["config", "spool", "data"];

/// The configuration of an instance that hands all mail to one server, keeps everything in its
/// own folder, and asks no name server. Mail for the domain that it receives ends with it.
pub(super) fn main_cf(
    folder: &Path,
    machine: &str,
    relay: &(String, u16),
    routes: &[(&str, (String, u16))],
    receives: Option<&str>,
    patience: Option<f64>,
) -> String {
    let at = folder.display();
    let (host, port) = relay;
    // A whole number of seconds, at least one; left out, Postfix's own default is in force.
    let timeout = patience.map_or_else(String::new, |seconds| {
        format!("smtp_connect_timeout = {}s\n", seconds.ceil().max(1.0))
    });
    let routes: Vec<_> = routes
        .iter()
        .map(|(domain, (host, port))| format!("{domain}=smtp:[{host}]:{port}"))
        .collect();
    let routes = match routes.is_empty() {
        true => String::new(),
        false => format!("transport_maps = inline:{{ {} }}\n", routes.join(", ")),
    };
    let (interfaces, receives) = match receives {
        None => ("loopback-only", String::new()),
        Some(domain) => (
            "all",
            format!(
                "virtual_mailbox_domains = {domain}\nvirtual_transport = discard\n\
                 smtpd_peername_lookup = no\n"
            ),
        ),
    };
    format!(
        "compatibility_level = 3.6\n\
         queue_directory = {at}/spool\n\
         data_directory = {at}/data\n\
         mail_owner = postfix\n\
         setgid_group = postdrop\n\
         myhostname = {machine}.example.org\n\
         mydestination =\n\
         inet_interfaces = {interfaces}\n\
         inet_protocols = ipv4\n\
         mynetworks = 127.0.0.0/8\n\
         relayhost = [{host}]:{port}\n\
         smtp_host_lookup = native\n\
         smtp_dns_support_level = disabled\n\
         {timeout}{routes}{receives}\
         smtp_tls_security_level = none\n\
         maillog_file_prefixes = /\n\
         maillog_file = {at}/log\n\
         alias_maps =\n\
         alias_database =\n\
         local_recipient_maps =\n\
         biff = no\n\
         minimal_backoff_time = 3600s\n\
         queue_run_delay = 3600s\n"
    )
}

/// The services that are needed to take mail from a program and to send it on.
pub(super) const MASTER_CF: &str = "\
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
";

/// The service that takes mail from others.
pub(super) const RECEIVES: &str = "25 inet n - n - - smtpd\n";

/// The last delivery that the log tells of behind a place in it, but for what ends here: the status,
/// and the line.
pub(super) fn last_delivery(log: &str, behind: usize) -> Option<(String, String)> {
    let new = log.get(behind..)?;
    let goes_on = |line: &&str| line.contains("to=<") && !line.contains("/discard[");
    let line = new.lines().rfind(|line| line.contains("status=") && goes_on(line))?;
    let status = line.split("status=").nth(1)?.split_whitespace().next()?;
    Some((status.to_owned(), line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_delivery_behind_a_place_counts() {
        let first = "smtp[1]: A: to=<u@e.net>, relay=none, dsn=4.4.1, status=deferred (connect \
                     to mx[203.0.113.25]:25: Connection timed out)\n";
        let second = "smtp[2]: A: to=<u@e.net>, dsn=2.0.0, status=sent (250 Ok)\nqmgr: removed\n";
        let log = format!("{first}{second}");
        assert_eq!(last_delivery(first, 0).map(|(s, _)| s).as_deref(), Some("deferred"));
        assert_eq!(last_delivery(&log, 0).map(|(s, _)| s).as_deref(), Some("sent"));
        assert_eq!(last_delivery(first, first.len()), None);
        let taken = "postfix/discard[3]: B: to=<me@e.org>, relay=none, status=sent (e.org)\n";
        assert_eq!(last_delivery(taken, 0), None);
    }
}
