//! Updates beside the measurement.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use egress25_packet_filter::table::{Slot, Table};
use egress25_policy::Reason;

use crate::sets::FIRST_SENDER;

/// The slot of the machine with a number.
#[must_use]
pub fn slot_of(table: &Table, number: u32) -> Option<Slot> {
    table.slot(None, IpAddr::V4(Ipv4Addr::from(FIRST_SENDER + number))).ok()
}

/// Does something while another thread replaces so many entries a second; says how many it
/// replaced.
pub fn while_updating(table: &Table, machines: u32, per_second: u32, body: impl FnOnce()) -> u64 {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let updater = scope.spawn(|| {
            let (started, mut updates) = (Instant::now(), 0_u32);
            while per_second > 0 && !done.load(Ordering::Relaxed) {
                // A hundred at once, then a pause until the next are due.
                for _ in 0..100 {
                    let reason = if updates % 2 == 0 { Reason::Exempt } else { Reason::NotGranted };
                    let number = updates.wrapping_mul(0x9e37_79b1) % machines;
                    if let Some(slot) = slot_of(table, number) {
                        table.replace(slot, reason);
                    }
                    updates += 1;
                }
                let due = Duration::from_secs_f64(f64::from(updates) / f64::from(per_second));
                if let Some(pause) = due.checked_sub(started.elapsed()) {
                    std::thread::sleep(pause);
                }
            }
            u64::from(updates)
        });
        body();
        done.store(true, Ordering::Relaxed);
        updater.join().unwrap_or_default()
    })
}
