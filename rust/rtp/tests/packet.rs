//! The RTP packet and what tells it from other datagrams.

use proptest::prelude::*;
use sems_rtp::{
    DatagramKind, PayloadType, RtpError, RtpHeader, RtpPacket, SequenceNumber, Ssrc, Timestamp,
    classify, write_header,
};

const HEADER: RtpHeader = RtpHeader {
    marker: true,
    payload_type: PayloadType::PCMA,
    sequence: SequenceNumber(0x1234),
    timestamp: Timestamp(0x89ab_cdef),
    ssrc: Ssrc(0xdead_beef),
};

const WIRE: [u8; 12] = [
    0x80, 0x88, 0x12, 0x34, 0x89, 0xab, 0xcd, 0xef, 0xde, 0xad, 0xbe, 0xef,
];

fn with_first_byte(first: u8, rest: &[u8]) -> Vec<u8> {
    let mut bytes = WIRE.to_vec();
    bytes[0] = first;
    bytes.extend_from_slice(rest);
    bytes
}

#[test]
fn a_header_is_written_as_the_rfc_draws_it() {
    let mut out = [0xff; 14];
    assert_eq!(write_header(&mut out, &HEADER), Ok(12));
    assert_eq!(out[..12], WIRE);
    assert_eq!(out[12..], [0xff, 0xff]);
    assert_eq!(
        write_header(&mut out[..11], &HEADER),
        Err(RtpError::BufferTooSmall)
    );
}

#[test]
fn a_plain_packet_is_read_back() {
    let bytes = with_first_byte(0x80, b"sound");
    let packet = RtpPacket::parse(&bytes).unwrap();
    assert_eq!(packet.header, HEADER);
    assert_eq!(packet.payload, b"sound");
    assert_eq!(packet.csrcs().count(), 0);
    assert_eq!(packet.extension, None);
}

#[test]
fn contributing_sources_extension_and_padding_surround_the_payload() {
    let rest = [
        0, 0, 0, 1, 0, 0, 0, 2, // two CSRCs
        0xbe, 0xde, 0, 1, 9, 8, 7, 6, // one word of extension
        b'h', b'i', 0, 0, 3, // padded by three
    ];
    let bytes = with_first_byte(0x80 | 0x20 | 0x10 | 2, &rest);
    let packet = RtpPacket::parse(&bytes).unwrap();
    assert_eq!(packet.csrcs().collect::<Vec<_>>(), [Ssrc(1), Ssrc(2)]);
    let extension = packet.extension.unwrap();
    assert_eq!(
        (extension.profile, extension.data),
        (0xbede, &[9, 8, 7, 6][..])
    );
    assert_eq!(packet.payload, b"hi");
}

#[test]
fn an_empty_payload_is_a_packet() {
    assert_eq!(RtpPacket::parse(&WIRE).unwrap().payload, b"");
    let only_padding = with_first_byte(0xa0, &[0, 0, 0, 4]);
    assert_eq!(RtpPacket::parse(&only_padding).unwrap().payload, b"");
}

#[test]
fn what_contradicts_itself_is_refused() {
    let cases: [(u8, &[u8], RtpError); 8] = [
        (0x40, b"", RtpError::Version),
        (0xc0, b"", RtpError::Version),
        (0x81, &[0, 0, 0], RtpError::Truncated),
        (0x90, &[0, 0, 0], RtpError::Truncated),
        (0x90, &[0, 0, 0, 1, 0, 0, 0], RtpError::Truncated),
        (0xa0, b"", RtpError::Padding),
        (0xa0, &[1, 0], RtpError::Padding),
        (0xa0, &[0, 3], RtpError::Padding),
    ];
    for (first, rest, error) in cases {
        let bytes = with_first_byte(first, rest);
        assert_eq!(RtpPacket::parse(&bytes), Err(error), "{first:#x} {rest:?}");
    }
    for len in 0..12 {
        assert_eq!(RtpPacket::parse(&WIRE[..len]), Err(RtpError::Truncated));
    }
}

#[test]
fn the_first_two_bytes_tell_what_a_datagram_is() {
    let cases: [(&[u8], DatagramKind); 12] = [
        (b"", DatagramKind::Other),
        (&[0x80], DatagramKind::Rtp),
        (&[0x00, 0x01], DatagramKind::Stun),
        (&[0x03, 0xff], DatagramKind::Stun),
        (&[22, 254], DatagramKind::Dtls),
        (&[0x40, 0x00], DatagramKind::Other),
        (&[0x80, 0x00], DatagramKind::Rtp),
        (&[0x80, 0xe5], DatagramKind::Rtp),
        (&[0xbf, 0x08], DatagramKind::Rtp),
        (&[0x80, 200], DatagramKind::Rtcp),
        (&[0x81, 207], DatagramKind::Rtcp),
        (b"\r\n", DatagramKind::Other),
    ];
    for (bytes, kind) in cases {
        assert_eq!(classify(bytes), kind, "{bytes:?}");
    }
}

#[test]
fn payload_types_have_seven_bits() {
    assert_eq!(PayloadType::new(127).map(PayloadType::number), Some(127));
    assert_eq!(PayloadType::new(128), None);
}

proptest! {
    #[test]
    fn any_bytes_are_a_packet_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(packet) = RtpPacket::parse(&bytes) {
            prop_assert_eq!(classify(&bytes[..2]), if (192..224).contains(&bytes[1]) {
                DatagramKind::Rtcp
            } else {
                DatagramKind::Rtp
            });
            prop_assert!(packet.payload.len() + 12 + packet.csrcs().count() * 4 <= bytes.len());
        }
    }

    /// Mutations of a rich packet reach further into the parser than noise does.
    #[test]
    fn a_damaged_packet_is_a_packet_or_an_error(
        damage in prop::collection::vec((0usize..40, any::<u8>()), 0..6),
        len in 0usize..40,
    ) {
        let mut bytes = with_first_byte(0xb2, &[0; 28]);
        bytes[23] = 1;
        bytes[39] = 2;
        for (at, byte) in damage {
            bytes[at] = byte;
        }
        let _ = RtpPacket::parse(&bytes[..len]);
    }

    #[test]
    fn what_is_written_is_read_back(
        marker in any::<bool>(), payload_type in 0u8..128, sequence in any::<u16>(),
        timestamp in any::<u32>(), ssrc in any::<u32>(),
        payload in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let header = RtpHeader {
            marker,
            payload_type: PayloadType::new(payload_type).unwrap(),
            sequence: SequenceNumber(sequence),
            timestamp: Timestamp(timestamp),
            ssrc: Ssrc(ssrc),
        };
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend_from_slice(&payload);
        let packet = RtpPacket::parse(&bytes).unwrap();
        prop_assert_eq!(packet.header, header);
        prop_assert_eq!(packet.payload, &payload[..]);
    }

    #[test]
    fn serial_numbers_add_and_compare_on_a_circle(a in any::<u16>(), step in 1u16..0x8000) {
        let (a, b) = (SequenceNumber(a), SequenceNumber(a).plus(step));
        prop_assert!(b.is_after(a) && !a.is_after(b) && !a.is_after(a));
        prop_assert_eq!(i32::from(b.since(a)), i32::from(step));
        prop_assert_eq!(i32::from(a.since(b)), -i32::from(step));
    }

    #[test]
    fn timestamps_add_and_compare_on_a_circle(a in any::<u32>(), units in 1u32..0x8000_0000) {
        let (a, b) = (Timestamp(a), Timestamp(a).plus(units));
        prop_assert!(b.is_after(a) && !a.is_after(b) && !a.is_after(a));
        prop_assert_eq!(i64::from(b.since(a)), i64::from(units));
        prop_assert_eq!(i64::from(a.since(b)), -i64::from(units));
    }
}
