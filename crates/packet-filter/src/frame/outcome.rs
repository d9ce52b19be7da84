//! What a frame turned out to be: closed sets, each value with a stable name.

use core::fmt;
use std::net::IpAddr;

use crate::frame::closed_set::closed_set;
use crate::frame::{Candidate, FrameOptions, Kind, VlanTags};

/// What one packet of a frame turned out to be.
///
/// Everything but [`NoMatch`](Self::NoMatch) and a carried
/// [`Encapsulated`](Self::Encapsulated) is, or may be, a SYN to port 25.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Not a SYN to port 25: it passes, whatever else is wrong with it.
    NoMatch(NoMatch),
    /// A SYN to port 25, for the policy to judge.
    Match(Candidate),
    /// A SYN to port 25 that no network delivers as addressed, whatever the policy says.
    Dropped {
        /// Who sent it where.
        candidate: Candidate,
        /// Why it is not delivered.
        kind: DropKind,
    },
    /// A packet that breaks a rule of its format, and is or may be a SYN to port 25.
    Malformed {
        /// The rule that it breaks.
        kind: Malformed,
        /// The layer at fault.
        layer: Layer,
        /// Where the header at fault, or its field, starts: bytes from the frame's first.
        offset: usize,
    },
    /// A fragment that hides, or may rewrite, the TCP header (RFC 1858, 3128, 7112).
    FragmentDrop {
        /// The rule that it breaks.
        kind: FragmentDrop,
        /// The IP source address.
        source: IpAddr,
        /// The IP destination address.
        destination: IpAddr,
        /// The VLAN tags of the frame that carries it.
        vlan: VlanTags,
    },
    /// A tunnel's outer packet, judged as such; what is inside follows if it was asked for.
    Encapsulated {
        /// The kind of tunnel.
        tunnel: Tunnel,
        /// Whether Azure's networks carry it: not so for IP-in-IP and GRE, and on the wire not
        /// for anything but IP. What a switch or a tap put around a packet says nothing of that.
        carried: bool,
        /// The outer source and destination addresses; none where it is not IP outside.
        addresses: Option<(IpAddr, IpAddr)>,
        /// The VLAN tags of the frame that carries it.
        vlan: VlanTags,
    },
    /// It may be a SYN to port 25; these bytes do not tell.
    Indeterminate {
        /// What stands in the way.
        kind: Indeterminate,
        /// The layer that could not be read.
        layer: Layer,
        /// Where that layer starts: bytes from the frame's first.
        offset: usize,
    },
}

impl Outcome {
    /// The outcome's stable name, as in the table of [`super`].
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoMatch(_) => "no-match",
            Self::Match(_) => "match",
            Self::Dropped { .. } => "drop",
            Self::Malformed { .. } => "malformed",
            Self::FragmentDrop { .. } => "fragment-drop",
            Self::Encapsulated { tunnel, .. } if tunnel.is_other() => "other-encapsulation",
            Self::Encapsulated { .. } => "encapsulated",
            Self::Indeterminate { .. } => "indeterminate",
        }
    }

    /// Whether it is judged; what is none of our business passes unjudged.
    #[must_use]
    pub const fn is_judged(&self) -> bool {
        !matches!(self, Self::NoMatch(_) | Self::Encapsulated { carried: true, .. })
    }

    /// The stable name of the outcome's kind; `-` for a match, which has none.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NoMatch(kind) => kind.as_str(),
            Self::Match(_) => "-",
            Self::Dropped { kind, .. } => kind.as_str(),
            Self::Malformed { kind, .. } => kind.as_str(),
            Self::FragmentDrop { kind, .. } => kind.as_str(),
            Self::Encapsulated { tunnel, .. } => tunnel.as_str(),
            Self::Indeterminate { kind, .. } => kind.as_str(),
        }
    }

    /// What a packet that is not judged is nevertheless good for; [`Kind::Nothing`] for one that
    /// is judged.
    #[must_use]
    pub const fn unjudged_kind(&self) -> Kind {
        match self {
            Self::NoMatch(
                NoMatch::OtherPort { kind } | NoMatch::NotSyn { kind } | NoMatch::Icmp { kind },
            ) => *kind,
            Self::Encapsulated { tunnel, carried: true, .. } if tunnel.is_other() => {
                Kind::OtherEncapsulation
            }
            _ => Kind::Nothing,
        }
    }

    /// The same as far as the filter tells it: only kinds that are wanted. UDP is not read unless
    /// the packets in tunnels are asked for, so what is in it is not told either.
    #[must_use]
    pub const fn told_kind(&self, options: &FrameOptions) -> Kind {
        match self {
            Self::Encapsulated { tunnel, .. } if tunnel.is_in_udp() && !options.look_inside => {
                Kind::Nothing
            }
            _ => options.wanted.only(self.unjudged_kind()),
        }
    }

    /// Source and destination, where they could be read.
    #[must_use]
    pub const fn addresses(&self) -> Option<(IpAddr, IpAddr)> {
        match self {
            Self::Match(Candidate { source, destination, .. })
            | Self::Dropped { candidate: Candidate { source, destination, .. }, .. }
            | Self::FragmentDrop { source, destination, .. } => Some((*source, *destination)),
            Self::Encapsulated { addresses, .. } => *addresses,
            Self::NoMatch(_) | Self::Malformed { .. } | Self::Indeterminate { .. } => None,
        }
    }

    /// The candidate, where the packet is legibly a SYN to port 25.
    #[must_use]
    pub const fn candidate(&self) -> Option<&Candidate> {
        match self {
            Self::Match(candidate) | Self::Dropped { candidate, .. } => Some(candidate),
            _ => None,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Match(_) => f.write_str(self.name()),
            Self::NoMatch(NoMatch::NotTcp { protocol }) => {
                write!(f, "no-match: not-tcp (protocol {protocol})")
            }
            Self::Malformed { layer, offset, .. } | Self::Indeterminate { layer, offset, .. } => {
                let (name, kind) = (self.name(), self.kind());
                write!(f, "{name}: {kind} in `{layer}` at byte {offset}")
            }
            _ => write!(f, "{}: {}", self.name(), self.kind()),
        }
    }
}

/// Why a packet is none of our business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoMatch {
    /// The frame carries neither IPv4 nor IPv6: ARP, spanning tree, a MAC-layer cipher, …
    NotIp,
    /// IP, but not TCP: UDP, SCTP, DCCP, …
    NotTcp {
        /// The protocol number, or IPv6's last next-header value.
        protocol: u8,
    },
    /// ICMP or ICMPv6; a header quoted in an error is a report of the past, not a packet.
    Icmp {
        /// Whether it is an error.
        kind: Kind,
    },
    /// Encrypted: what is inside cannot be seen on the way (RFC 4303).
    Esp,
    /// An IPv6 packet that says that it carries nothing (RFC 8200, 4.7).
    NoNextHeader,
    /// A later fragment: its payload is not a TCP header, ports are not read (RFC 1858).
    NonFirstFragment,
    /// TCP to another port.
    OtherPort {
        /// Whether it comes from port 25, or opens a connection to a relay.
        kind: Kind,
    },
    /// TCP to port 25, but no opening SYN: SYN clear, or ACK set (RFC 9293, 3.5).
    NotSyn {
        /// Whether it comes from port 25.
        kind: Kind,
    },
}

impl NoMatch {
    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotIp => "not-ip",
            Self::NotTcp { .. } => "not-tcp",
            Self::Icmp { .. } => "icmp",
            Self::Esp => "esp",
            Self::NoNextHeader => "no-next-header",
            Self::NonFirstFragment => "non-first-fragment",
            Self::OtherPort { .. } => "other-port",
            Self::NotSyn { .. } => "not-syn",
        }
    }
}

closed_set! {
    /// Why a SYN to port 25 is not delivered as addressed.
    DropKind {
        /// The IPv4 loose source route option (131; RFC 7126, 4.3).
        LooseSourceRoute = "loose-source-route",
        /// The IPv4 strict source route option (137; RFC 7126, 4.4).
        StrictSourceRoute = "strict-source-route",
        /// An IPv6 routing header of type 0 (RFC 5095).
        RoutingHeader0 = "routing-header-0",
        /// The destination is a multicast group (RFC 1122, 4.2.3.10).
        MulticastDestination = "multicast-destination",
        /// The destination is 255.255.255.255 (RFC 1122, 4.2.3.10).
        BroadcastDestination = "broadcast-destination",
        /// The destination is 127.0.0.0/8 or `::1` (RFC 1122, 3.2.1.3; RFC 4291, 2.5.3).
        LoopbackDestination = "loopback-destination",
        /// The destination is 0.0.0.0 or `::` (RFC 1122, 3.2.1.3; RFC 4291, 2.5.2).
        UnspecifiedDestination = "unspecified-destination",
    }
}

closed_set! {
    /// The rule of its format that a packet breaks.
    Malformed {
        /// The frame ends inside a header.
        HeaderPastEnd = "header-past-end",
        /// The version nibble is not that of the ethertype, address family or link type.
        IpVersion = "ip-version",
        /// IHL below 5, or past the total length (RFC 791, 3.1).
        HeaderLength = "header-length",
        /// Total length 0 on the wire; a capture may show it before segmentation offload.
        TotalLengthZero = "total-length-zero",
        /// A length field promises more than the frame brought.
        LengthPastFrame = "length-past-frame",
        /// The IPv4 header checksum is wrong on the wire (RFC 1812, 5.2.2).
        Ipv4Checksum = "ipv4-checksum",
        /// An IPv6 payload length of 0 with a header to follow (RFC 8200, 3).
        PayloadLengthZero = "payload-length-zero",
        /// A jumbo payload option (RFC 2675): no such link is there, no TCP uses it.
        Jumbogram = "jumbogram",
        /// An extension header that ends past the payload (RFC 8200, 4).
        ExtensionPastEnd = "extension-past-end",
        /// A mobility or HIP header that another header follows, which none may (RFC 6275, 6.1.1;
        /// RFC 7401, 5.1).
        NotLastHeader = "not-last-header",
        /// A fragment that ends past the largest packet, 65,535 bytes (RFC 791; RFC 8200, 4.5).
        FragmentPastMaximum = "fragment-past-maximum",
        /// Fewer than the 20 bytes of a TCP header in an unfragmented packet (RFC 9293, 3.1).
        TcpTooShort = "tcp-too-short",
        /// The data offset is below 5, or past the end (RFC 9293, 3.1).
        DataOffset = "data-offset",
        /// SYN with RST (RFC 9293, 3.10.7).
        SynWithRst = "syn-with-rst",
        /// The source is a multicast or the broadcast address (RFC 1122, 3.2.1.3; RFC 4291, 2.7).
        SourceAddress = "source-address",
        /// An IPv4-mapped address on the wire (RFC 4942, 2.2).
        MappedAddress = "mapped-address",
    }
}

closed_set! {
    /// Why a fragment is not let through unread.
    FragmentDrop {
        /// A first IPv4 fragment with fewer than 20 bytes of TCP (RFC 1858, 3).
        TinyFirst = "tiny-first",
        /// A TCP fragment at offset 1 or 2, inside the header (RFC 1858, 3; RFC 3128).
        OverlapsHeader = "overlaps-header",
        /// A first IPv6 fragment without the whole chain up to TCP's end (RFC 7112).
        IncompleteChain = "incomplete-chain",
        /// A longer chain of extension headers than is walked (RFC 7112, 9098).
        ChainTooLong = "chain-too-long",
    }
}

closed_set! {
    /// Why the bytes do not tell.
    Indeterminate {
        /// The capture cut the frame before the TCP flags.
        Cut = "cut",
        /// More VLAN tags than are read (802.1Q, 802.1ad).
        TooManyTags = "too-many-tags",
        /// More MPLS labels than are read (RFC 3032).
        TooManyLabels = "too-many-labels",
        /// An IPv6 next header that nobody has assigned, or an experiment's (RFC 7045).
        UnknownNextHeader = "unknown-next-header",
        /// A routing header with segments left: this is not the final destination (RFC 8200, 4.4).
        SegmentsLeft = "segments-left",
        /// More tunnels in each other than are entered.
        TooManyTunnels = "too-many-tunnels",
        /// A tunnel whose payload cannot be found without knowing how it was set up.
        OpaqueTunnel = "opaque-tunnel",
    }
}

closed_set! {
    /// The kinds of tunnel that are recognised.
    Tunnel {
        /// IPv4 in IPv4, protocol 4 (RFC 2003).
        Ipip = "ipip",
        /// IPv6 in IPv4, protocol 41 (RFC 4213).
        SixInFour = "6in4",
        /// IPv4 in IPv6, next header 4 (RFC 2473).
        FourInSix = "4in6",
        /// IPv6 in IPv6, next header 41 (RFC 2473).
        SixInSix = "6in6",
        /// GRE, protocol 47 (RFC 2784, 2890), PPTP's version 1 (RFC 2637) too.
        Gre = "gre",
        /// GRE with a key that carries Ethernet (RFC 7637).
        Nvgre = "nvgre",
        /// UDP port 4789, or those that [`crate::frame::FrameOptions::vxlan_ports`] names
        /// (RFC 7348).
        Vxlan = "vxlan",
        /// UDP port 6081 (RFC 8926).
        Geneve = "geneve",
        /// UDP port 2152 (3GPP TS 29.281).
        GtpU = "gtp-u",
        /// UDP port 3544 (RFC 4380).
        Teredo = "teredo",
        /// Protocol 97 (RFC 3378).
        EtherIp = "etherip",
        /// Protocol 115 (RFC 3931).
        L2tpV3 = "l2tpv3",
        /// UDP port 5072: AYIYA (draft-massar-v6ops-ayiya-02).
        Ayiya = "ayiya",
        /// UDP port 4754: GRE in UDP (RFC 8086).
        GreInUdp = "gre-in-udp",
        /// UDP port 5247: CAPWAP's data channel (RFC 5415).
        Capwap = "capwap",
        /// GRE with a mirrored frame: ERSPAN (draft-foschiano-erspan-03).
        Erspan = "erspan",
        /// GRE as MikroTik's EoIP has it.
        Eoip = "eoip",
        /// Ethertype 0x8909: Cisco's metadata, with a security group.
        CiscoMetadata = "cisco-metadata",
        /// Ethertype 0x8903: Cisco's FabricPath.
        FabricPath = "fabric-path",
        /// Ethertype 0x8926: VN-Tag.
        VnTag = "vn-tag",
        /// Ethertype 0x8988, whose format is not known here.
        Tag8988 = "tag-8988",
        /// Ethertype 0x88e7: a service instance tag (802.1ah).
        ServiceTag = "service-tag",
    }
}

impl Tunnel {
    /// Whether Azure's virtual networks carry this kind: IP-in-IP and GRE are blocked, and what
    /// is not IP outside does not come there.
    #[must_use]
    pub const fn carried(self) -> bool {
        !matches!(
            self,
            Self::Ipip
                | Self::SixInFour
                | Self::FourInSix
                | Self::SixInSix
                | Self::Gre
                | Self::Nvgre
                | Self::Erspan
                | Self::Eoip
        ) && !self.is_tag()
    }

    /// Whether it is none of the usual tunnels; such packets are counted apart.
    #[must_use]
    pub const fn is_other(self) -> bool {
        matches!(self, Self::Ayiya | Self::GreInUdp | Self::Capwap | Self::Erspan | Self::Eoip)
            || self.is_tag()
    }

    /// Whether it is known by an ethertype, with no IP around it.
    #[must_use]
    pub const fn is_tag(self) -> bool {
        matches!(
            self,
            Self::CiscoMetadata | Self::FabricPath | Self::VnTag | Self::Tag8988 | Self::ServiceTag
        )
    }

    /// Whether it is known by a UDP port.
    #[must_use]
    pub const fn is_in_udp(self) -> bool {
        matches!(
            self,
            Self::Vxlan
                | Self::Geneve
                | Self::GtpU
                | Self::Teredo
                | Self::Ayiya
                | Self::GreInUdp
                | Self::Capwap
        )
    }
}

closed_set! {
    /// The layers that an outcome can point at.
    Layer {
        /// BSD loopback, either kind.
        Loopback = "loopback",
        /// Ethernet.
        Ethernet = "ethernet",
        /// Linux cooked capture, either version.
        Cooked = "cooked",
        /// PPP.
        Ppp = "ppp",
        /// A VLAN tag.
        Vlan = "vlan",
        /// 802.2 LLC, with SNAP.
        Llc = "llc",
        /// An MPLS label stack.
        Mpls = "mpls",
        /// PPPoE.
        Pppoe = "pppoe",
        /// A bare packet whose version is still to be read.
        Ip = "ip",
        /// The IPv4 header.
        Ipv4 = "ipv4",
        /// The IPv6 header.
        Ipv6 = "ipv6",
        /// An extension header of IPv6, or the authentication header of either.
        Extension = "extension",
        /// The IPv6 fragment header.
        Fragment = "fragment",
        /// TCP.
        Tcp = "tcp",
        /// UDP under a tunnel.
        Udp = "udp",
        /// A tunnel's own header.
        Tunnel = "tunnel",
    }
}
