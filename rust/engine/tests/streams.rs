//! TCP and TLS over loopback: messages, connections, certificates, and peers that misbehave.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use proptest::prelude::*;
use sems_engine::transport::{
    Arrival, Transport,
    quota::Quota,
    stream::StreamTransport,
    tls::{Tls, TlsConfig},
};
use sems_sip::{Error, Flow};

const IDLE: Duration = Duration::from_secs(7200);

/// A folder of its own for one test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("sems-streams-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A listener and what has arrived at it.
struct End {
    transport: StreamTransport,
    arrivals: Vec<Arrival>,
    now: Instant,
}

impl End {
    fn new(tls: Option<Arc<Tls>>) -> Self {
        Self::with(tls, Quota::new(100, 100))
    }

    fn with(tls: Option<Arc<Tls>>, quota: Arc<Quota>) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            transport: StreamTransport::bind(address, tls, quota, IDLE).unwrap(),
            arrivals: Vec::new(),
            now: Instant::now(),
        }
    }

    fn address(&self) -> SocketAddr {
        self.transport.bound()
    }

    fn client(&self) -> TcpStream {
        let client = TcpStream::connect(self.address()).unwrap();
        client
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        client
    }

    fn step(&mut self) {
        self.transport
            .receive(self.now, &mut self.arrivals)
            .unwrap();
    }

    fn wait(&mut self, time: u64) {
        self.now += Duration::from_secs(time);
        self.step();
    }

    fn flow_to(&self, other: &End) -> Flow {
        Flow {
            transport: self.transport.kind(),
            local: self.address(),
            remote: other.address(),
        }
    }

    fn send(&mut self, flow: Flow, text: &str) -> std::io::Result<()> {
        let data = Bytes::copy_from_slice(text.as_bytes());
        self.transport.send(self.now, flow, &data)
    }

    fn messages(&self) -> Vec<(Flow, String)> {
        let message = |arrival: &Arrival| match arrival {
            Arrival::Message { flow, data } => {
                Some((*flow, String::from_utf8(data.to_vec()).unwrap()))
            }
            _ => None,
        };
        self.arrivals.iter().filter_map(message).collect()
    }
}

/// Lets all of them work until something is the case, at most five seconds.
#[track_caller]
fn until(ends: &mut [&mut End], done: impl Fn(&[&mut End]) -> bool) {
    let start = Instant::now();
    while !done(ends) {
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "nothing more happens"
        );
        for end in ends.iter_mut() {
            end.step();
        }
        std::thread::yield_now();
    }
}

#[track_caller]
fn until_messages(end: &mut End, count: usize) {
    until(&mut [end], |ends| ends[0].messages().len() >= count);
}

fn message(body: &str) -> String {
    format!(
        "MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// What a certificate in this folder is for; the folder's own is made.
fn tls(folder: &Path, change: impl FnOnce(&mut TlsConfig)) -> Arc<Tls> {
    let mut config = TlsConfig {
        folder: Some(folder.to_owned()),
        names: vec!["sip.example.org".to_owned(), "127.0.0.1".to_owned()],
        ..TlsConfig::default()
    };
    change(&mut config);
    Tls::new(config).unwrap()
}

#[test]
fn messages_arrive_however_they_are_cut_and_are_answered_over_the_same_connection() {
    let mut server = End::new(None);
    let mut client = server.client();
    client.set_nodelay(true).unwrap();
    let stream = message("one") + &message("two") + &message("");
    for piece in stream.as_bytes().chunks(17) {
        client.write_all(piece).unwrap();
        server.step();
    }
    until_messages(&mut server, 3);
    let messages = server.messages();
    let (flow, _) = messages[0];
    assert_eq!(flow.remote, client.local_addr().unwrap());
    assert_eq!(flow.local, server.address());
    let texts: Vec<_> = messages.iter().map(|(_, text)| text.clone()).collect();
    assert_eq!(texts, [message("one"), message("two"), message("")]);
    server.send(flow, "the answer").unwrap();
    let mut answer = [0; 10];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"the answer");
    assert_eq!(server.transport.connections(), 1);
}

#[test]
fn a_ping_is_answered_by_a_pong_and_a_pong_is_told() {
    let mut server = End::new(None);
    let mut client = server.client();
    client.write_all(b"\r\n\r\n").unwrap();
    until(&mut [&mut server], |ends| !ends[0].arrivals.is_empty());
    let mut pong = [0; 2];
    client.read_exact(&mut pong).unwrap();
    assert_eq!(&pong, b"\r\n");
    assert!(matches!(server.arrivals[0], Arrival::Pong(_)));
}

#[test]
fn requests_to_one_address_share_a_connection_and_another_is_opened_when_that_is_gone() {
    let (mut ann, mut bob) = (End::new(None), End::new(None));
    let flow = ann.flow_to(&bob);
    for body in ["one", "two"] {
        ann.send(flow, &message(body)).unwrap();
    }
    until(&mut [&mut ann, &mut bob], |ends| {
        ends[1].messages().len() == 2
    });
    assert_eq!(
        (ann.transport.connections(), bob.transport.connections()),
        (1, 1)
    );
    let back = bob.messages()[0].0;
    assert_eq!(back.local, bob.address());
    bob.send(back, &message("back")).unwrap();
    until(&mut [&mut ann, &mut bob], |ends| {
        ends[0].messages().len() == 1
    });
    assert_eq!(
        ann.messages()[0].0,
        flow,
        "it is known by the address that was called"
    );

    let now = bob.now;
    bob.transport.finish(now, back);
    until(&mut [&mut ann, &mut bob], |ends| {
        ends[0].arrivals.contains(&Arrival::Closed(flow))
    });
    ann.send(flow, &message("three")).unwrap();
    until(&mut [&mut ann, &mut bob], |ends| {
        ends[1].messages().len() == 3
    });
    assert_eq!(ann.transport.connections(), 1);
}

#[test]
fn who_does_not_listen_is_told() {
    let mut ann = End::new(None);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let flow = Flow {
        transport: ann.transport.kind(),
        local: ann.address(),
        remote: gone.local_addr().unwrap(),
    };
    drop(gone);
    let at_once = ann.send(flow, &message("")).is_err();
    if !at_once {
        until(&mut [&mut ann], |ends| {
            ends[0].arrivals.contains(&Arrival::Closed(flow))
        });
    }
    assert_eq!(ann.transport.connections(), 0);
}

#[test]
fn who_says_nothing_or_not_all_is_closed_and_others_are_not() {
    let mut server = End::new(None);
    let (mut good, silent, mut slow) = (server.client(), server.client(), server.client());
    good.write_all(message("").as_bytes()).unwrap();
    until_messages(&mut server, 1);
    slow.write_all(message("").as_bytes()).unwrap();
    until_messages(&mut server, 2);
    for byte in b"MESSAGE sip:a@b SI" {
        slow.write_all(&[*byte]).unwrap();
        server.wait(1);
    }
    assert_eq!(server.transport.connections(), 3);
    server.wait(20);
    until(&mut [&mut server], |ends| {
        ends[0].transport.connections() == 1
    });
    for mut closed in [silent, slow] {
        assert_eq!(closed.read(&mut [0]).unwrap_or(0), 0);
    }
    let (flow, _) = server.messages()[0];
    server.wait(3600);
    server.send(flow, "there").unwrap();
    good.read_exact(&mut [0; 5]).unwrap();
    server.wait(7201);
    assert_eq!(server.transport.connections(), 0, "unused for too long");
}

#[test]
fn who_does_not_read_is_closed_and_costs_no_more_than_the_queue() {
    let mut server = End::new(None);
    let mut client = server.client();
    client.write_all(message("").as_bytes()).unwrap();
    until_messages(&mut server, 1);
    let (flow, _) = server.messages()[0];
    let piece = "x".repeat(60_000);
    let sent = (0..1000)
        .take_while(|_| server.send(flow, &piece).is_ok())
        .count();
    assert!((1..1000).contains(&sent), "{sent}");
    assert_eq!(server.transport.connections(), 0);

    let mut client = server.client();
    client.write_all(message("").as_bytes()).unwrap();
    until_messages(&mut server, 2);
    let (flow, _) = server.messages()[1];
    while server.send(flow, &piece).is_ok() && server.transport.connections() == 1 {
        if server.now.elapsed() > Duration::from_secs(5) {
            break;
        }
    }
    server.wait(31);
    assert_eq!(server.transport.connections(), 0);
}

#[test]
fn a_flood_is_refused_beyond_the_limit_and_makes_room_when_it_ends() {
    let quota = Quota::new(100, 3);
    let mut server = End::with(None, quota.clone());
    let mut good = server.client();
    good.write_all(message("").as_bytes()).unwrap();
    until_messages(&mut server, 1);
    let flood: Vec<_> = (0..20).map(|_| server.client()).collect();
    until(&mut [&mut server], |_| quota.refused() == 18);
    assert_eq!(server.transport.connections(), 3);
    good.write_all(message("still").as_bytes()).unwrap();
    until_messages(&mut server, 2);
    drop(flood);
    until(&mut [&mut server], |ends| {
        ends[0].transport.connections() == 1
    });
    let mut late = server.client();
    late.write_all(message("late").as_bytes()).unwrap();
    until_messages(&mut server, 3);
}

#[test]
fn who_sends_a_flood_has_a_turn_like_everybody_else() {
    let mut server = End::new(None);
    let mut flood: Vec<_> = (0..20).map(|_| server.client()).collect();
    let mut good = server.client();
    until(&mut [&mut server], |ends| {
        ends[0].transport.connections() == 21
    });
    for client in &mut flood {
        client
            .write_all(message("").repeat(200).as_bytes())
            .unwrap();
    }
    good.write_all(message("good").as_bytes()).unwrap();
    let mut turns = 0;
    while server.messages().len() < 20 * 200 + 1 {
        let before = server.arrivals.len();
        server.step();
        turns += 1;
        let told = server.arrivals.len() - before;
        assert!(told <= 64, "{told} in one turn");
        let is_due = server
            .transport
            .next_deadline()
            .is_some_and(|at| at <= server.now);
        assert!(is_due || told < 64, "what waits has a turn at once");
        assert!(turns < 5000, "{}", server.messages().len());
    }
    let at = server
        .messages()
        .iter()
        .position(|(_, text)| text.ends_with("good"));
    assert!(at.unwrap() < 20 * 8 * 2, "{at:?}");
    server.step();
    let is_due = server
        .transport
        .next_deadline()
        .is_some_and(|at| at <= server.now);
    assert!(!is_due, "nothing waits");

    good.write_all("\r\n".repeat(1000).as_bytes()).unwrap();
    let before = server.arrivals.len();
    until(&mut [&mut server], |ends| ends[0].arrivals.len() > before);
    let pongs = &server.arrivals[before..];
    assert!(pongs.iter().all(|pong| matches!(pong, Arrival::Pong(_))));
    assert!(pongs.len() < 10, "{}", pongs.len());
}

#[test]
fn what_breaks_a_stream_can_be_answered_before_it_is_closed() {
    let mut server = End::new(None);
    let mut client = server.client();
    let head = "MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\n\r\n";
    client.write_all(head.as_bytes()).unwrap();
    client.write_all(&[b'x'; 5000]).unwrap();
    until(&mut [&mut server], |ends| !ends[0].arrivals.is_empty());
    let Arrival::Broken {
        flow,
        head: said,
        error,
    } = server.arrivals[0].clone()
    else {
        panic!("{:?}", server.arrivals)
    };
    assert_eq!(
        (&said[..], error),
        (
            head.as_bytes(),
            Error::Missing(sems_sip::HeaderName::ContentLength)
        )
    );
    server.send(flow, "400").unwrap();
    let now = server.now;
    server.transport.finish(now, flow);
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "400");
    server.wait(3);
    assert_eq!(
        server.transport.connections(),
        0,
        "whether or not the peer closes"
    );
}

#[test]
fn a_certificate_is_made_once_and_its_key_is_for_our_eyes_only() {
    let folder = Folder::new();
    let made = folder.at("tls");
    tls(&made, |_| {});
    let read = |name: &str| fs::read(made.join(name)).unwrap();
    let (certificate, key) = (read("certificate.pem"), read("key.pem"));
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(made.join("key.pem")), 0o600);
    assert_eq!(mode(made.clone()), 0o700);
    tls(&made, |_| {});
    assert_eq!(
        (read("certificate.pem"), read("key.pem")),
        (certificate, key)
    );
}

/// Sends over TLS from one end to another, which has a certificate of its own making.
fn call(
    server: &Folder,
    name: Option<&str>,
    change: impl FnOnce(&mut TlsConfig),
) -> Result<String, Vec<Arrival>> {
    let mut bob = End::new(Some(tls(&server.0, |_| {})));
    let mut ann = End::new(Some(tls(&Folder::new().0, change)));
    let flow = ann.flow_to(&bob);
    ann.transport.expect(flow, name);
    ann.send(flow, &message("secret")).unwrap();
    until(&mut [&mut ann, &mut bob], |ends| {
        ends[0].arrivals.contains(&Arrival::Closed(flow)) || !ends[1].messages().is_empty()
    });
    match bob.messages().pop() {
        Some((_, text)) => Ok(text),
        None => Err(ann.arrivals),
    }
}

#[track_caller]
fn assert_refused(outcome: Result<String, Vec<Arrival>>, words: &str) {
    match &outcome.unwrap_err()[..] {
        [Arrival::Failed { name, error, .. }, Arrival::Closed(_)] => {
            assert!(error.contains(words), "{error}");
            assert!(name.is_some(), "it is because of the certificate");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_must_show_a_certificate_that_we_trust_and_that_is_for_it() {
    let server = Folder::new();
    tls(&server.0, |_| {});
    let trusting = |config: &mut TlsConfig| config.ca = Some(server.at("certificate.pem"));
    assert_eq!(
        call(&server, None, trusting),
        Ok(message("secret")),
        "by its address"
    );
    assert_eq!(
        call(&server, Some("sip.example.org"), trusting),
        Ok(message("secret"))
    );
    assert_refused(
        call(&server, Some("example.com"), trusting),
        "not valid for name",
    );
    assert_refused(call(&server, None, |_| {}), "UnknownIssuer");
    let blind = |config: &mut TlsConfig| config.verify = false;
    assert_eq!(
        call(&server, Some("example.com"), blind),
        Ok(message("secret"))
    );
}

#[test]
fn one_connection_serves_several_names_only_if_its_certificate_does() {
    let server = Folder::new();
    let names = |config: &mut TlsConfig| {
        config.names = vec!["a.example.org".to_owned(), "b.example.org".to_owned()];
    };
    let mut bob = End::new(Some(tls(&server.0, names)));
    let trusting = |config: &mut TlsConfig| config.ca = Some(server.at("certificate.pem"));
    let mut ann = End::new(Some(tls(&Folder::new().0, trusting)));
    let flow = ann.flow_to(&bob);
    for (count, name) in [(1, "a.example.org"), (2, "b.example.org")] {
        ann.transport.expect(flow, Some(name));
        ann.send(flow, &message(name)).unwrap();
        until(&mut [&mut ann, &mut bob], |ends| {
            ends[1].messages().len() == count
        });
        assert_eq!(ann.transport.connections(), 1, "{name}");
    }
    ann.transport.expect(flow, Some("c.example.org"));
    ann.send(flow, &message("c")).unwrap();
    until(&mut [&mut ann, &mut bob], |ends| {
        ends[0]
            .arrivals
            .iter()
            .any(|arrival| matches!(arrival, Arrival::Failed { .. }))
    });
    assert_eq!(bob.messages().len(), 2);
}

/// A socket with a port of its own, which may be one that has been listened at.
fn socket_at(port: u16) -> socket2::Socket {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    socket.bind(&address.into()).unwrap();
    socket
}

#[test]
fn who_connects_from_the_address_of_a_server_is_not_taken_for_it() {
    let mut ann = End::new(Some(tls(&Folder::new().0, |config| config.verify = false)));
    let (before, after) = (socket_at(0), socket_at(0));
    let at = |socket: &socket2::Socket| Flow {
        transport: sems_sip::transaction::Transport::Tls,
        local: ann.address(),
        remote: socket.local_addr().unwrap().as_socket().unwrap(),
    };
    let (first, second) = (at(&before), at(&after));
    let address = ann.address();
    before.connect(&address.into()).unwrap();
    until(&mut [&mut ann], |ends| ends[0].transport.connections() == 1);
    ann.transport.expect(first, None);
    ann.send(first, &message("to the phone")).unwrap();
    assert_eq!(ann.transport.connections(), 1, "it is called over its own");

    ann.transport.expect(first, Some("sip.example.org"));
    ann.transport.expect(second, Some("sip.example.org"));
    after.connect(&address.into()).unwrap();
    until(&mut [&mut ann], |ends| ends[0].transport.connections() == 2);
    for flow in [first, second] {
        let at_once = ann.send(flow, &message("secret")).is_err();
        let failed = |arrival: &Arrival| matches!(arrival, Arrival::Failed { flow: to, name: None, .. } if *to == flow);
        until(&mut [&mut ann], |ends| {
            at_once || ends[0].arrivals.iter().any(failed)
        });
    }
}

#[test]
fn a_connection_of_ours_is_not_given_up_for_one_that_comes_from_there() {
    let mut ann = End::new(None);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = listener.local_addr().unwrap();
    let flow = Flow {
        transport: ann.transport.kind(),
        local: ann.address(),
        remote,
    };
    ann.send(flow, "one ").unwrap();
    let (mut server, _) = listener.accept().unwrap();
    drop(listener);
    let stranger = socket_at(remote.port());
    stranger.connect(&ann.address().into()).unwrap();
    until(&mut [&mut ann], |ends| ends[0].transport.connections() == 2);
    ann.send(flow, "two").unwrap();
    let mut said = [0; 7];
    server
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    server.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"one two");

    let mut stranger = TcpStream::from(stranger);
    stranger.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    until(&mut [&mut ann], |ends| ends[0].transport.connections() == 1);
    assert_eq!(ann.arrivals, [], "nobody is to answer, and close the other");
    ann.send(flow, "three").unwrap();
    server.read_exact(&mut [0; 5]).unwrap();
}

#[test]
fn a_certificate_is_exchanged_without_a_word_to_those_who_are_connected() {
    let (server, next) = (Folder::new(), Folder::new());
    let store = tls(&server.0, |_| {});
    tls(&next.0, |_| {});
    let mut bob = End::new(Some(store.clone()));
    let trusting = |folder: &Folder| {
        let ca = folder.at("certificate.pem");
        End::new(Some(tls(&Folder::new().0, |config| config.ca = Some(ca))))
    };
    let mut before = trusting(&server);
    let flow = before.flow_to(&bob);
    before.send(flow, &message("one")).unwrap();
    until(&mut [&mut before, &mut bob], |ends| {
        ends[1].messages().len() == 1
    });

    fs::write(server.at("certificate.pem"), "nonsense").unwrap();
    assert!(
        store
            .reload()
            .unwrap_err()
            .to_string()
            .contains("certificate.pem")
    );
    for name in ["certificate.pem", "key.pem"] {
        fs::copy(next.at(name), server.at(name)).unwrap();
    }
    store.reload().unwrap();
    let mut after = trusting(&next);
    let to = after.flow_to(&bob);
    after.send(to, &message("two")).unwrap();
    until(&mut [&mut after, &mut bob], |ends| {
        ends[1].messages().len() == 2
    });
    before.send(flow, &message("three")).unwrap();
    until(&mut [&mut before, &mut bob], |ends| {
        ends[1].messages().len() == 3
    });
    assert_eq!(before.transport.connections(), 1);
}

#[test]
fn who_speaks_no_tls_or_never_finishes_the_handshake_is_closed() {
    let folder = Folder::new();
    let mut server = End::new(Some(tls(&folder.0, |_| {})));
    let (mut plain, silent) = (server.client(), server.client());
    plain.write_all(message("").as_bytes()).unwrap();
    until(&mut [&mut server], |ends| {
        ends[0].transport.connections() == 1
    });
    server.wait(6);
    assert_eq!(server.transport.connections(), 0);
    assert_eq!(server.arrivals, []);
    drop(silent);
}

#[test]
fn files_that_are_missing_or_make_no_sense_are_named() {
    let folder = Folder::new();
    let error = |change: fn(&mut TlsConfig, PathBuf)| {
        let mut config = TlsConfig::default();
        change(&mut config, folder.at("file.pem"));
        Tls::new(config).unwrap_err().to_string()
    };
    let file = folder.at("file.pem");
    let file = file.display();
    let certificate = |config: &mut TlsConfig, path| config.certificate = Some(path);
    assert_eq!(
        error(certificate),
        format!("tls: {file}: no such file or directory")
    );
    fs::write(folder.at("file.pem"), "").unwrap();
    assert_eq!(
        error(certificate),
        format!("tls: {file}: there is no certificate in it")
    );
    let ca = |config: &mut TlsConfig, path| config.ca = Some(path);
    assert_eq!(
        error(ca),
        format!("tls: {file}: there is no certificate in it")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn whatever_is_sent_over_tls_comes_out_the_same(
        bodies in prop::collection::vec("[a-z\r\n]{0,20000}", 1..8),
    ) {
        let folder = Folder::new();
        let mut bob = End::new(Some(tls(&folder.0, |_| {})));
        let mut ann = End::new(Some(tls(&Folder::new().0, |config| config.verify = false)));
        let flow = ann.flow_to(&bob);
        for body in &bodies {
            ann.send(flow, &message(body)).unwrap();
        }
        until(&mut [&mut ann, &mut bob], |ends| ends[1].messages().len() == bodies.len());
        let texts: Vec<_> = bob.messages().into_iter().map(|(_, text)| text).collect();
        let expected: Vec<_> = bodies.iter().map(|body| message(body)).collect();
        prop_assert_eq!(texts, expected);
    }
}
