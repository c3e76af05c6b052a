//! RFC 5118: torture messages with IPv6 addresses.

use super::Outcome::*;
use super::{Corpus, Row};

/// The messages of RFC 5118.
pub const RFC5118: Corpus = Corpus {
    folder: "rfc5118",
    rows: ROWS,
};

const NONE: &str = "";

static ROWS: &[Row] = &[
    Row {
        name: "ipv6-good",
        section: "4.1",
        demand: "Well-formed: IPv6 references in the Request-URI, Via and Contact.",
        choice: NONE,
        outcome: Taken,
        fields: &[
            ("uri.host", "[2001:db8::10]"),
            ("uri.port", "none"),
            ("via.0.host", "[2001:db8::9:1]"),
            ("contact.0.uri.host", "[2001:db8::1]"),
        ],
    },
    Row {
        name: "ipv6-bad",
        section: "4.2",
        demand: "400: an IPv6 address without brackets in the Request-URI.",
        choice: NONE,
        outcome: Refused(400),
        fields: &[],
    },
    Row {
        name: "port-ambiguous",
        section: "4.3",
        demand: "Well-formed: what was meant for a port stands within the brackets and so is part \
                 of the address.",
        choice: NONE,
        outcome: Taken,
        fields: &[("uri.host", "[2001:db8::10:5070]"), ("uri.port", "none")],
    },
    Row {
        name: "port-unambiguous",
        section: "4.4",
        demand: "Well-formed: a port after the brackets.",
        choice: NONE,
        outcome: Taken,
        fields: &[("uri.host", "[2001:db8::10]"), ("uri.port", "5070")],
    },
    Row {
        name: "via-received-param-with-delim",
        section: "4.5",
        demand: "To be accepted: `received` with brackets, which the grammar doesn't have.",
        choice: NONE,
        outcome: Answered(481),
        fields: &[
            ("via.0.received", "2001:db8::9:255"),
            ("via.0.branch", "z9hG4bKas3-111"),
        ],
    },
    Row {
        name: "via-received-param-no-delim",
        section: "4.5",
        demand: "Well-formed: `received` without brackets, as the grammar has it.",
        choice: NONE,
        outcome: Answered(200),
        fields: &[
            ("via.0.received", "2001:db8::9:255"),
            ("via.0.branch", "z9hG4bKas3"),
        ],
    },
    Row {
        name: "ipv6-in-sdp",
        section: "4.6",
        demand: "Well-formed: IPv6 addresses in SDP have no brackets.",
        choice: NONE,
        outcome: Invited,
        fields: &[
            ("uri.user", "user"),
            ("sdp.c", "2001:db8::20"),
            ("sdp.0.c", "2001:db8::20"),
        ],
    },
    Row {
        name: "mult-ip-in-header",
        section: "4.7",
        demand: "Well-formed: IPv4 and IPv6 side by side in Via.",
        choice: NONE,
        outcome: Answered(481),
        fields: &[
            ("vias", "3"),
            ("via.0.host", "[2001:db8::9:1]"),
            ("via.0.port", "6050"),
            ("via.1.host", "192.0.2.1"),
            ("via.2.host", "[2001:db8::9:255]"),
            ("via.2.received", "192.0.2.200"),
        ],
    },
    Row {
        name: "mult-ip-in-sdp",
        section: "4.8",
        demand: "Well-formed: media lines with addresses of different kinds.",
        choice: NONE,
        outcome: Invited,
        fields: &[("sdp.0.c", "192.0.2.1"), ("sdp.1.c", "2001:db8::1")],
    },
    Row {
        name: "ipv4-mapped-ipv6",
        section: "4.9",
        demand: "Well-formed: IPv4 addresses mapped into IPv6.",
        choice: NONE,
        outcome: Invited,
        fields: &[
            ("via.0.host", "[::ffff:192.0.2.10]"),
            ("via.0.port", "19823"),
            ("via.1.host", "[::ffff:192.0.2.2]"),
            ("contact.0.uri.host", "[::ffff:192.0.2.2]"),
            ("sdp.c", "::ffff:192.0.2.2"),
        ],
    },
    Row {
        name: "ipv6-bug-abnf-3-colons",
        section: "4.10",
        demand: "To be accepted: the third colon that RFC 3261's grammar puts before an IPv4 \
                 address within an IPv6 one.",
        choice: NONE,
        outcome: Answered(200),
        fields: &[
            ("uri.host", "[2001:db8::c000:201]"),
            ("to.uri.host", "[2001:db8::c000:201]"),
        ],
    },
    Row {
        name: "ipv6-correct-abnf-2-colons",
        section: "4.10",
        demand: "Well-formed: the same address with two colons.",
        choice: NONE,
        outcome: Answered(200),
        fields: &[
            ("uri.host", "[2001:db8::c000:201]"),
            ("to.uri.host", "[2001:db8::c000:201]"),
        ],
    },
];
