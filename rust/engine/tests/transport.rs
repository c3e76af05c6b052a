//! Datagrams go where they should, from the address they should.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use bytes::Bytes;

use sems_engine::transport::{
    Arrival, Transport,
    memory::{LinkQuality, MemoryNetwork},
    udp::UdpTransport,
};
use sems_sip::{Flow, transaction::Transport::Udp};

/// Waits until something has arrived, at most two seconds.
fn receive(transport: &mut UdpTransport) -> Vec<(Flow, Bytes)> {
    let mut poll = libc::pollfd {
        fd: transport.fd().unwrap(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one pollfd, which outlives the call.
    assert_eq!(
        unsafe { libc::poll(&mut poll, 1, 10_000) },
        1,
        "nothing arrived"
    );
    let mut arrivals = Vec::new();
    transport.receive(Instant::now(), &mut arrivals).unwrap();
    let message = |arrival| match arrival {
        Arrival::Message { flow, data } => (flow, data),
        other => panic!("{other:?}"),
    };
    arrivals.into_iter().map(message).collect()
}

#[test]
fn a_port_that_nobody_has_is_reported_and_disturbs_nobody_else() {
    for (here, there) in [("127.0.0.1:0", "127.0.0.1:0"), ("[::]:0", "[::1]:0")] {
        let mut ours = UdpTransport::bind(here.parse().unwrap()).unwrap();
        let gone = UdpSocket::bind(there).unwrap().local_addr().unwrap();
        let phone = UdpSocket::bind(there).unwrap();
        phone
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let local = ours.local_for(gone.ip()).unwrap();
        let to = |remote| Flow {
            transport: Udp,
            local,
            remote,
        };
        let mut send = |remote| {
            let text = Bytes::from_static(b"hello");
            ours.send(Instant::now(), to(remote), &text).unwrap();
        };
        send(gone);
        send(gone);
        send(phone.local_addr().unwrap());
        let mut buffer = [0; 16];
        assert_eq!(phone.recv(&mut buffer).unwrap(), 5);
        phone.send_to(b"there", local).unwrap();

        let mut arrivals = Vec::new();
        let end = Instant::now() + Duration::from_secs(10);
        while arrivals.len() < 2 && Instant::now() < end {
            ours.receive(Instant::now(), &mut arrivals).unwrap();
        }
        let reported = arrivals
            .iter()
            .filter(|arrival| matches!(arrival, Arrival::Unreachable(flow) if flow.remote == gone));
        assert_eq!(reported.count(), 1);
        let heard = |arrival: &Arrival| matches!(arrival, Arrival::Message { .. });
        assert!(arrivals.iter().any(heard));
        arrivals.clear();
        ours.receive(Instant::now(), &mut arrivals).unwrap();
        assert_eq!(arrivals, []);
    }
}

#[test]
fn a_wildcard_socket_knows_where_a_datagram_arrived_and_answers_from_there() {
    let mut ours = UdpTransport::bind("0.0.0.0:0".parse().unwrap()).unwrap();
    let port = ours.bound().port();
    let phone = UdpSocket::bind("127.0.0.1:0").unwrap();
    phone
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    for last in [1, 7] {
        let at = SocketAddr::from(([127, 0, 0, last], port));
        phone.send_to(b"hello", at).unwrap();
        let datagrams = receive(&mut ours);
        assert_eq!(datagrams.len(), 1);
        let (flow, data) = &datagrams[0];
        assert_eq!(flow.local, at);
        assert_eq!(flow.remote, phone.local_addr().unwrap());
        assert_eq!(data, &b"hello"[..]);
        ours.send(Instant::now(), *flow, &Bytes::from_static(b"there"))
            .unwrap();
        let mut buffer = [0; 16];
        let (length, source) = phone.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], source), (&b"there"[..], at));
    }
}

#[test]
fn a_wildcard_socket_of_ipv6_does_too() {
    let mut ours = UdpTransport::bind("[::]:0".parse().unwrap()).unwrap();
    let at = SocketAddr::from((Ipv6Addr::LOCALHOST, ours.bound().port()));
    let phone = UdpSocket::bind("[::1]:0").unwrap();
    phone
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    phone.send_to(b"hello", at).unwrap();
    let datagrams = receive(&mut ours);
    let (flow, _) = &datagrams[0];
    assert_eq!(flow.local, at);
    ours.send(Instant::now(), *flow, &Bytes::from_static(b"there"))
        .unwrap();
    let mut buffer = [0; 16];
    assert_eq!(phone.recv_from(&mut buffer).unwrap(), (5, at));
}

#[test]
fn many_datagrams_are_taken_in_few_calls_and_in_order() {
    let mut ours = UdpTransport::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let phone = UdpSocket::bind("127.0.0.1:0").unwrap();
    for number in 0..40u8 {
        phone
            .send_to(&vec![number; 1 + usize::from(number)], ours.bound())
            .unwrap();
    }
    let mut datagrams = receive(&mut ours);
    while datagrams.len() < 40 {
        datagrams.extend(receive(&mut ours));
    }
    for ((_, data), number) in datagrams.iter().zip(0..) {
        assert_eq!(data, &vec![number; 1 + usize::from(number)]);
    }
}

#[test]
fn nothing_waiting_is_no_error() {
    let mut ours = UdpTransport::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut arrivals = Vec::new();
    ours.receive(Instant::now(), &mut arrivals).unwrap();
    assert!(arrivals.is_empty());
}

#[test]
fn the_address_for_a_peer_is_the_one_that_the_route_to_it_leaves_from() {
    let any = UdpTransport::bind("0.0.0.0:0".parse().unwrap()).unwrap();
    let local = any.local_for(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
    assert_eq!(
        local,
        SocketAddr::from(([127, 0, 0, 1], any.bound().port()))
    );
    let one = UdpTransport::bind("127.0.0.9:0".parse().unwrap()).unwrap();
    assert_eq!(
        one.local_for(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap(),
        one.bound()
    );
}

#[test]
fn a_port_in_use_is_said_in_plain_words() {
    let first = UdpTransport::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let Err(error) = UdpTransport::bind(first.bound()) else {
        panic!("two sockets at one address")
    };
    let expected = format!(
        "cannot listen on udp {}: address already in use",
        first.bound()
    );
    assert_eq!(error.to_string(), expected);
}

/// Sends `count` numbered datagrams and tells when each arrived, in order of arrival.
fn journey(seed: u64, quality: LinkQuality, count: u8) -> Vec<(u8, Duration)> {
    let network = MemoryNetwork::new(seed, quality);
    let (here, there) = (network.host(), network.host());
    let (from, to) = (here.bind(5060).unwrap(), there.bind(5060).unwrap());
    for number in 0..count {
        from.send_to(&[number], to.local_addr());
    }
    let mut arrived = Vec::new();
    let mut buffer = [0; 4];
    while let Some(arrival) = to.next_arrival() {
        there.advance(arrival);
        while let Some((1, source)) = to.recv_from(&mut buffer) {
            assert_eq!(source, from.local_addr());
            arrived.push((buffer[0], arrival - network.epoch()));
        }
    }
    arrived
}

#[test]
fn a_good_network_carries_all_in_order_after_its_delay() {
    let delay = Duration::from_millis(30);
    let quality = LinkQuality {
        delay,
        ..LinkQuality::default()
    };
    let expected: Vec<_> = (0..100).map(|number| (number, delay)).collect();
    assert_eq!(journey(1, quality, 100), expected);
}

#[test]
fn a_bad_network_loses_doubles_and_reorders_the_same_way_for_the_same_seed() {
    let quality = LinkQuality {
        loss: 0.2,
        duplicate: 0.2,
        delay: Duration::from_millis(10),
        jitter: Duration::from_millis(50),
    };
    let once = journey(7, quality, 200);
    assert_eq!(once, journey(7, quality, 200));
    assert_ne!(once, journey(8, quality, 200));
    let mut numbers: Vec<u8> = once.iter().map(|(number, _)| *number).collect();
    assert!(!numbers.is_sorted(), "jitter reorders");
    numbers.sort_unstable();
    let arrived = numbers.len();
    numbers.dedup();
    assert!((140..180).contains(&numbers.len()), "a fifth is lost");
    assert!(arrived > numbers.len() + 15, "a fifth comes twice");
    let times = once.iter().map(|(_, time)| time.as_millis());
    assert!(times.clone().all(|time| (10..60).contains(&time)));
    assert!(times.max() > Some(50));
}

#[test]
fn a_closed_memory_port_swallows_and_can_be_opened_again() {
    let network = MemoryNetwork::new(0, LinkQuality::default());
    let host = network.host();
    let from = host.bind(1).unwrap();
    let to = host.bind(2).unwrap();
    assert!(host.bind(2).is_err());
    let at = to.local_addr();
    drop(to);
    from.send_to(b"lost", at);
    host.advance(network.epoch() + Duration::from_secs(1));
    let to = host.bind(2).unwrap();
    assert_eq!(to.take(), None);
    assert_eq!(network.sockets(), 2);
}

#[test]
fn each_way_between_two_hosts_has_a_quality_of_its_own() {
    let network = MemoryNetwork::new(0, LinkQuality::default());
    let hosts = [network.host(), network.host(), network.host()];
    let [one, two, three] = hosts.each_ref().map(|host| host.bind(1).unwrap());
    let [ip, other, _] = hosts.each_ref().map(|host| Some(host.ip()));
    let lossy = LinkQuality {
        loss: 1.0,
        ..LinkQuality::default()
    };
    network.set_link(ip, None, lossy);
    network.set_link(ip, other, LinkQuality::default());
    network.set_link(None, other, lossy);
    for socket in [&one, &two, &three] {
        for to in [&one, &two, &three] {
            socket.send_to(b"hello", to.local_addr());
        }
    }
    hosts[0].advance(network.epoch() + Duration::from_secs(1));
    let heard = |socket: &sems_engine::transport::memory::MemorySocket| {
        std::iter::from_fn(|| socket.take().map(|(from, _)| from.ip())).collect::<Vec<_>>()
    };
    assert_eq!(
        heard(&one),
        [two.local_addr().ip(), three.local_addr().ip()]
    );
    assert_eq!(
        heard(&two),
        [one.local_addr().ip()],
        "what is said of both comes first"
    );
    assert_eq!(
        heard(&three),
        [two.local_addr().ip(), three.local_addr().ip()]
    );
}
