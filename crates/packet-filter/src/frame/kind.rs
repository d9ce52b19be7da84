//! What a packet that is not judged has to do with mail.

use crate::frame::closed_set::closed_set;

closed_set! {
    /// What a packet that is not judged has to do with mail.
    Kind {
        /// Nothing that could be read.
        Nothing = "nothing",
        /// A TCP segment from the port that is looked for, whatever its flags and its destination.
        Answer = "answer",
        /// A TCP segment to the port that is looked for with ACK and neither SYN nor RST: who sends it
        /// was answered.
        Acknowledgement = "acknowledgement",
        /// An ICMP error (types 3, 11, 12; RFC 792) or an ICMPv6 error (types 1 to 4; RFC 4443).
        IcmpError = "icmp-error",
        /// A SYN to one of the [relay ports](crate::frame::RELAY_PORTS), not from the port that is
        /// looked for.
        RelaySyn = "relay-syn",
        /// A tag or tunnel beside the usual ones, and who knows what is in it.
        OtherEncapsulation = "other-encapsulation",
    }
}
