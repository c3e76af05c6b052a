//! What a description asks for reaches the wire: packet times, ports, addresses, codecs, RTCP.

use std::collections::HashSet;

use sems_engine::{
    config::EngineConfig,
    transport::memory::{LinkQuality, MemorySocket},
};
use sems_rtp::{DatagramKind, RtpPacket, classify};

use crate::{
    phone::{Phone, audio_port, body, description, header, tag_of},
    world::{BOB, World, seconds},
};

/// A call of a raw phone's that is up, and the RTP socket that it began with.
struct Talk {
    world: World,
    phone: Phone,
    rtp: MemorySocket,
    /// The answer to the first offer.
    ok: String,
    sequence: u32,
}

/// Payload types and lengths of the packets that came within two seconds, and how many.
struct Heard {
    kinds: HashSet<(u8, usize)>,
    packets: usize,
    reports: usize,
}

impl Talk {
    fn new(media: &str) -> Self {
        Self::with(EngineConfig::default(), media)
    }

    fn with(config: EngineConfig, media: &str) -> Self {
        let configs = [EngineConfig::default(), config];
        let mut world = World::new(0, LinkQuality::default(), configs);
        let phone = Phone::new(&world, BOB);
        let rtp = phone.bind(4000);
        let offer = description(rtp.local_addr(), media);
        phone.request("INVITE", 1, "talk", None, "", &offer);
        let call = world.incoming(BOB).call;
        world.accept(BOB, call);
        let ok = phone.expect(&mut world, "SIP/2.0 200");
        phone.request("ACK", 1, "talk", Some(&tag_of(&ok)), "", "");
        Self {
            world,
            phone,
            rtp,
            ok,
            sequence: 1,
        }
    }

    /// Offers again from `rtp`, and returns the answer.
    fn change(&mut self, rtp: MemorySocket, media: &str) -> String {
        let offer = description(rtp.local_addr(), media);
        self.rtp = rtp;
        self.sequence += 1;
        let tag = tag_of(&self.ok);
        let (phone, sequence) = (&self.phone, self.sequence);
        phone.request("INVITE", sequence, "talk", Some(&tag), "", &offer);
        let ok = phone.expect(&mut self.world, "SIP/2.0 200");
        phone.request("ACK", sequence, "talk", Some(&tag), "", "");
        ok
    }

    /// What comes to the phone's RTP port.
    fn hear(&mut self) -> Heard {
        self.world.run(seconds(1));
        while self.rtp.take().is_some() {}
        self.world.run(seconds(2));
        let mut heard = Heard {
            kinds: HashSet::new(),
            packets: 0,
            reports: 0,
        };
        while let Some((_, data)) = self.rtp.take() {
            if classify(&data) == DatagramKind::Rtcp {
                heard.reports += 1;
                continue;
            }
            let packet = RtpPacket::parse(&data).unwrap();
            let payload_type = packet.header.payload_type.number();
            heard.kinds.insert((payload_type, packet.payload.len()));
            heard.packets += 1;
        }
        heard
    }

    fn assert_hears(&mut self, payload_type: u8, ptime_ms: usize) {
        let heard = self.hear();
        let expected = HashSet::from([(payload_type, ptime_ms * 8)]);
        assert_eq!(heard.kinds, expected, "{ptime_ms} ms");
        assert!(
            heard.packets.abs_diff(2000 / ptime_ms) <= 1,
            "{}",
            heard.packets
        );
    }
}

#[test]
fn packets_are_as_long_as_the_peer_wants_them_and_change_with_its_offers() {
    let line = "m=audio PORT RTP/AVP 0\r\n";
    let mut talk = Talk::new(&format!("{line}a=ptime:40\r\n"));
    assert!(body(&talk.ok).contains("a=ptime:40\r\na=maxptime:60\r\n"));
    talk.assert_hears(0, 40);
    for (port, wish, ptime_ms) in [
        (4002, "a=ptime:10\r\n", 10),
        (4004, "a=ptime:60\r\na=maxptime:30\r\n", 30),
        (4006, "", 20),
        (4008, "a=ptime:200\r\n", 60),
        (4010, "a=maxptime:20\r\na=ptime:20\r\n", 20),
    ] {
        let rtp = talk.phone.bind(port);
        let ok = talk.change(rtp, &format!("{line}{wish}"));
        assert!(body(&ok).contains(&format!("a=ptime:{ptime_ms}\r\n")));
        talk.assert_hears(0, ptime_ms);
    }
}

#[test]
fn pauses_are_described_to_a_phone_that_offers_comfort_noise_where_we_are_told_to() {
    let line = "m=audio PORT RTP/AVP 0 13\r\na=ptime:20\r\n";
    let mut talk = Talk::new(line);
    assert!(!talk.ok.contains("CN/8000"));
    talk.assert_hears(0, 20);
    let config = EngineConfig {
        comfort_noise: true,
        ..EngineConfig::default()
    };
    let mut talk = Talk::with(config.clone(), line);
    assert!(body(&talk.ok).contains("RTP/AVP 0 13\r\n"));
    assert!(body(&talk.ok).contains("a=rtpmap:13 CN/8000\r\n"));
    talk.world.run(seconds(1));
    assert_eq!(talk.hear().packets, 0);
    // An offer without it has all packets again.
    let rtp = talk.phone.bind(4002);
    let ok = talk.change(rtp, "m=audio PORT RTP/AVP 0\r\n");
    assert!(!ok.contains("CN/8000"));
    talk.assert_hears(0, 20);
    // Who doesn't offer it gets them anyway.
    Talk::with(config, "m=audio PORT RTP/AVP 0\r\n").assert_hears(0, 20);
}

#[test]
fn a_new_offer_moves_the_sound_to_another_port_address_and_codec() {
    let mut talk = Talk::new("m=audio PORT RTP/AVP 0\r\n");
    let ours = audio_port(&talk.ok);
    talk.assert_hears(0, 20);

    let rtp = talk.phone.bind(4444);
    let ok = talk.change(rtp, "m=audio PORT RTP/AVP 8\r\n");
    assert_eq!(audio_port(&ok), ours);
    talk.assert_hears(8, 20);

    // A payload type of the peer's choice, at the address of another machine.
    let elsewhere = talk.world.network.host().bind(6000).unwrap();
    talk.change(
        elsewhere,
        "m=audio PORT RTP/AVP 110\r\na=rtpmap:110 pcmu/8000\r\n",
    );
    talk.assert_hears(110, 20);
}

#[test]
fn the_address_of_the_line_goes_before_that_of_the_session() {
    let mut talk = Talk::new("m=audio PORT RTP/AVP 0\r\nc=IN IP4 10.0.0.99\r\n");
    assert_eq!(talk.hear().packets, 0);
    let rtp = talk.phone.bind(4002);
    let here = rtp.local_addr().ip();
    talk.change(
        rtp,
        &format!("m=audio PORT RTP/AVP 0\r\nc=IN IP4 {here}\r\n"),
    );
    talk.assert_hears(0, 20);
}

#[test]
fn rtcp_comes_to_the_port_of_rtp_when_the_peer_wants_it_there() {
    for (mux, line) in [(true, "a=rtcp-mux\r\n"), (false, "a=rtcp:4009\r\n")] {
        let mut talk = Talk::new(&format!("m=audio PORT RTP/AVP 0\r\n{line}"));
        let elsewhere = talk.phone.bind(4009);
        assert_eq!(body(&talk.ok).contains("a=rtcp-mux\r\n"), mux);
        let reports: usize = (0..5).map(|_| talk.hear().reports).sum();
        assert_eq!((reports > 0, elsewhere.take().is_some()), (mux, !mux));
    }
}

#[test]
fn only_addresses_that_can_be_sent_to_are_taken() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    for (name, address, warning, words) in [
        ("six", "IP6 2001:db8::1", "300", "IP version"),
        ("name", "IP4 phone.example.com", "301", "host name"),
        ("many", "IP4 224.2.1.1/127", "301", "connection address"),
        ("all", "IP4 255.255.255.255", "301", "connection address"),
    ] {
        let here = (phone.address().ip(), 4000).into();
        let media = format!("m=audio PORT RTP/AVP 0\r\nc=IN {address}\r\n");
        let refused = phone.call(&mut world, name, &description(here, &media), "488");
        let told = header(&refused, "Warning").unwrap();
        assert!(told.starts_with(warning) && told.contains(words), "{told}");
    }
    world.assert_nothing_left();
}
