//! Asking others who they are.

use std::time::Duration;

use sems_sip::auth::{Algorithm, Asker, AuthConfig, Credential, Keyring, Qop, Response, Secret};
use sems_sip::header::{AuthValue, NameAddr};
use sems_sip::user_agent::{Content, Event, OutgoingRequest, Reply, UserAgentConfig};
use sems_sip::{HeaderName, Message, Method, StatusCode, Uri};

use crate::wire::{PHONE, Wire, flow, header, invite, numbered, request, to_tag};

const URI: &str = "sip:room@192.0.2.2";

fn gated() -> Wire {
    gated_with(|_| {})
}

fn gated_with(change: impl FnOnce(&mut AuthConfig)) -> Wire {
    let md5 = Algorithm::Md5.ha1("bob", "sems", "builder");
    let mut auth = AuthConfig {
        methods: vec![Method::Invite, Method::Options],
        realm: "sems".to_owned(),
        users: [
            ("ann".to_owned(), Secret::Password("secret".to_owned())),
            ("bob".to_owned(), Secret::Ha1(Algorithm::Md5, md5)),
        ]
        .into(),
        ..AuthConfig::default()
    };
    change(&mut auth);
    Wire::with(UserAgentConfig {
        auth: Some(auth),
        ..Default::default()
    })
}

/// Who answers, and how.
#[derive(Clone, Copy)]
struct Answer<'a> {
    username: &'a str,
    password: &'a str,
    algorithm: Algorithm,
    uri: &'a str,
    count: Option<u32>,
}

const ANN: Answer<'_> = Answer {
    username: "ann",
    password: "secret",
    algorithm: Algorithm::Sha256,
    uri: URI,
    count: Some(1),
};

impl Answer<'_> {
    fn to(self, method: &str, nonce: &str) -> String {
        let (uri, name) = (self.uri, self.username);
        let response = Response {
            algorithm: self.algorithm,
            nonce,
            qop: self.count.map(|count| (Qop::Auth, count, "c")),
            cnonce: "c",
            uri,
            body: b"",
        };
        let ha1 = self.algorithm.ha1(name, "sems", self.password);
        let response = response.of_request(&ha1, method);
        let algorithm = self.algorithm.as_str();
        let qop = match self.count {
            Some(count) => format!(", qop=auth, nc={count:08x}, cnonce=\"c\""),
            None => String::new(),
        };
        format!(
            "Authorization: Digest username=\"{name}\", realm=\"sems\", nonce=\"{nonce}\", \
             uri=\"{uri}\", response=\"{response}\", algorithm={algorithm}{qop}\n"
        )
    }
}

/// Takes a 401 and returns its challenges.
fn challenges(wire: &mut Wire) -> Vec<AuthValue> {
    let response = wire.response();
    assert_eq!(response.status, StatusCode::UNAUTHORIZED);
    AuthValue::all(&response.headers, &HeaderName::WwwAuthenticate)
}

fn param(challenge: &AuthValue, name: &str) -> String {
    challenge.params.get(name).unwrap_or_default().into_owned()
}

/// Has an INVITE asked; the nonce for SHA-256.
fn asked(wire: &mut Wire) -> String {
    wire.receive(&invite(""));
    param(&challenges(wire)[0], "nonce")
}

/// Another INVITE, in a branch and with a CSeq of its own.
fn answered(wire: &mut Wire, number: u32, answer: &str) {
    let branch = format!("z9hG4bKanswer{number}");
    wire.receive(&numbered(number, "INVITE", &branch, "", answer));
}

fn is_stale(wire: &mut Wire) -> bool {
    let challenges = challenges(wire);
    assert_eq!(challenges.len(), 2);
    challenges.iter().all(|c| param(c, "stale") == "true")
}

#[test]
fn an_invite_is_asked_for_each_algorithm_and_nothing_is_kept_of_it() {
    let mut wire = gated();
    wire.receive(&invite(""));
    let response = wire.response();
    let challenges = AuthValue::all(&response.headers, &HeaderName::WwwAuthenticate);
    let algorithms: Vec<_> = challenges.iter().map(|c| param(c, "algorithm")).collect();
    assert_eq!(algorithms, ["SHA-256", "MD5"]);
    for challenge in &challenges {
        assert_eq!(param(challenge, "realm"), "sems");
        assert_eq!(param(challenge, "qop"), "auth");
        assert_eq!(challenge.params.get("stale"), None);
    }
    assert!(wire.is_empty());
    assert!(wire.told().is_empty());
    // The ACK is expected, and needs nothing to be known.
    wire.receive(&request("ACK", "z9hG4bKinvite", &to_tag(&response), ""));
    assert_eq!(wire.agent.counters().stray_acks, 0);
    assert_eq!(wire.agent.counters().challenges, 1);
    assert!(wire.sent.is_empty());
    wire.receive(&request("ACK", "z9hG4bKinvite", ";tag=other", ""));
    assert_eq!(wire.agent.counters().stray_acks, 1);
}

#[test]
fn who_knows_the_password_gets_through_and_is_named() {
    let answers = [
        ANN,
        Answer {
            algorithm: Algorithm::Md5,
            ..ANN
        },
        Answer { count: None, ..ANN },
        // A proxy on the way may have written another host.
        Answer {
            uri: "sip:room@sems.example;transport=udp",
            ..ANN
        },
        Answer {
            username: "bob",
            password: "builder",
            algorithm: Algorithm::Md5,
            ..ANN
        },
    ];
    for answer in answers {
        let mut wire = gated();
        let nonce = asked(&mut wire);
        answered(&mut wire, 2, &answer.to("INVITE", &nonce));
        assert_eq!(wire.said(), ["100"]);
        match &wire.told()[..] {
            [Event::Invite { user, .. }] => {
                assert_eq!(user.as_deref(), Some(answer.username));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn who_does_not_is_asked_again_without_stale() {
    let wrong = [
        Answer {
            password: "guess",
            ..ANN
        },
        Answer {
            username: "eve",
            ..ANN
        },
        Answer {
            username: "eve",
            password: "",
            ..ANN
        },
        Answer {
            username: "bob",
            password: "builder",
            ..ANN
        },
        Answer {
            uri: "sip:other@192.0.2.2",
            ..ANN
        },
        Answer {
            algorithm: Algorithm::Sha512_256,
            ..ANN
        },
        Answer {
            algorithm: Algorithm::Sha256Sess,
            ..ANN
        },
    ];
    let mut wire = gated();
    for (number, answer) in (2..).zip(wrong) {
        let nonce = asked(&mut wire);
        answered(&mut wire, number, &answer.to("INVITE", &nonce));
        assert!(!is_stale(&mut wire), "{number}");
    }
    let nonce = asked(&mut wire);
    answered(&mut wire, 20, &ANN.to("OPTIONS", &nonce));
    assert!(!is_stale(&mut wire));
    assert_eq!(wire.agent.counters().auth_failures, 8);
    assert!(wire.is_empty());
}

#[test]
fn an_answer_that_was_overheard_is_worth_nothing() {
    let mut wire = gated();
    let nonce = asked(&mut wire);
    let answer = ANN.to("INVITE", &nonce);
    answered(&mut wire, 2, &answer);
    assert_eq!(wire.said(), ["100"]);
    let told = wire.told();
    let [Event::Invite { session, .. }] = &told[..] else {
        panic!("{told:?}");
    };
    wire.agent
        .reject(wire.now, *session, Reply::new(StatusCode::BUSY_HERE))
        .unwrap();
    wire.drain();
    wire.response();
    answered(&mut wire, 3, &answer);
    assert!(is_stale(&mut wire));
    // From elsewhere it is not even known.
    let thief = flow("203.0.113.9:5060");
    let stolen = numbered(4, "INVITE", "z9hG4bKthief", "", &ANN.to("INVITE", &nonce));
    wire.receive_from(thief, &stolen);
    assert!(is_stale(&mut wire));
    assert_eq!(wire.agent.counters().auth_stale, 2);
    // Its owner goes on counting.
    let next = Answer {
        count: Some(2),
        ..ANN
    };
    answered(&mut wire, 5, &next.to("INVITE", &nonce));
    assert_eq!(wire.said(), ["100"]);
}

#[test]
fn the_same_invite_again_is_a_repetition_and_not_a_replay() {
    let mut wire = gated();
    let nonce = asked(&mut wire);
    let answer = ANN.to("INVITE", &nonce);
    for _ in 0..2 {
        answered(&mut wire, 2, &answer);
        assert_eq!(wire.said(), ["100"]);
    }
    assert_eq!(wire.agent.counters().auth_stale, 0);
    // OPTIONS, which nothing is kept of otherwise, too.
    let next = Answer {
        count: Some(2),
        ..ANN
    };
    let options = numbered(9, "OPTIONS", "z9hG4bKo", "", &next.to("OPTIONS", &nonce));
    for _ in 0..2 {
        wire.receive(&options);
        assert_eq!(wire.said(), ["200"]);
    }
}

#[test]
fn an_old_nonce_is_stale() {
    let mut wire = gated_with(|auth| auth.nonce_lifetime = Duration::from_secs(60));
    let nonce = asked(&mut wire);
    wire.wait(Duration::from_secs(59));
    answered(&mut wire, 2, &ANN.to("INVITE", &nonce));
    assert_eq!(wire.said(), ["100"]);
    wire.wait(Duration::from_secs(1));
    let next = Answer {
        count: Some(2),
        ..ANN
    };
    answered(&mut wire, 3, &next.to("INVITE", &nonce));
    assert!(is_stale(&mut wire));
}

#[test]
fn methods_that_are_not_named_and_networks_that_are_exempt_are_not_asked() {
    let mut wire = gated_with(|auth| {
        auth.methods = vec![Method::Invite];
        auth.exempt = vec![("192.0.2.0".parse().unwrap(), 24)];
    });
    wire.receive(&request("OPTIONS", "z9hG4bKo", "", ""));
    assert_eq!(wire.said(), ["200"]);
    wire.receive(&invite(""));
    assert_eq!(wire.said(), ["100"]);
    assert!(matches!(
        &wire.told()[..],
        [Event::Invite { user: None, .. }]
    ));
    let stranger = flow("198.51.100.7:5060");
    wire.receive_from(stranger, &numbered(3, "INVITE", "z9hG4bKx", "", ""));
    challenges(&mut wire);
}

#[test]
fn requests_in_a_dialog_and_cancel_are_not_asked() {
    let mut wire = gated();
    let nonce = asked(&mut wire);
    answered(&mut wire, 2, &ANN.to("INVITE", &nonce));
    wire.said();
    let cancel = numbered(2, "CANCEL", "z9hG4bKanswer2", "", "");
    wire.receive(&cancel);
    assert_eq!(wire.said(), ["200", "487"]);
    wire.told();

    let next = Answer {
        count: Some(2),
        ..ANN
    };
    answered(&mut wire, 3, &next.to("INVITE", &nonce));
    let [Event::Invite { session, .. }] = wire.told()[..] else {
        panic!("no INVITE");
    };
    wire.said();
    let answer = Some(Content::sdp("answer"));
    wire.agent
        .accept(wire.now, session, Default::default(), answer)
        .unwrap();
    wire.drain();
    let tag = to_tag(&wire.response());
    wire.receive(&numbered(3, "ACK", "z9hG4bKack", &tag, ""));
    wire.receive(&numbered(4, "INVITE", "z9hG4bKre", &tag, ""));
    assert_eq!(wire.said(), ["100"]);
    wire.receive(&numbered(5, "BYE", "z9hG4bKbye", &tag, ""));
    assert_eq!(wire.said(), ["200", "487"]);
}

#[test]
fn our_own_calling_side_gets_through_our_gate() {
    let mut gate = gated();
    let mut caller = Wire::new();
    let uri: Uri = URI.parse().unwrap();
    let from: Uri = "sip:ann@192.0.2.1".parse().unwrap();
    let credentials = Keyring::new([Credential {
        asker: Asker::Realm("sems".to_owned()),
        username: "ann".to_owned(),
        password: "secret".to_owned(),
    }]);
    let invite = OutgoingRequest {
        credentials,
        ..OutgoingRequest::new(flow(PHONE), uri, NameAddr::new(from))
    };
    caller.agent.invite(caller.now, invite).unwrap();
    for _ in 0..4 {
        caller.drain();
        for (_, flow, message) in std::mem::take(&mut caller.sent) {
            gate.agent.receive(gate.now, flow, message.to_bytes());
        }
        gate.drain();
        for (_, flow, message) in std::mem::take(&mut gate.sent) {
            caller.agent.receive(caller.now, flow, message.to_bytes());
        }
    }
    match &gate.told()[..] {
        [Event::Invite { user, request, .. }] => {
            assert_eq!(user.as_deref(), Some("ann"));
            let message = Message::Request((**request).clone());
            let answer = header(&message, HeaderName::Authorization);
            assert!(answer.contains("algorithm=SHA-256"), "{answer}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_guesses_passwords_waits_and_nobody_else_does() {
    let mut wire = gated();
    let nonce = asked(&mut wire);
    let guess = |wire: &mut Wire, number: u32, user: &str, password: &str| {
        let count = Some(number);
        let answer = Answer {
            username: user,
            password,
            count,
            ..ANN
        };
        answered(wire, number, &answer.to("INVITE", &nonce));
        wire.response()
    };
    for number in 2..12 {
        let refused = guess(&mut wire, number, "ann", "guess");
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
    // Now not even the right one is looked at, and nothing tells that it is.
    let refused = guess(&mut wire, 12, "ann", "secret");
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    let message = Message::Response(refused);
    assert_eq!(header(&message, HeaderName::RetryAfter), "60");
    assert!(header(&message, HeaderName::WwwAuthenticate).is_empty());
    // Another user there is served, and so is Ann from elsewhere.
    let bob = guess(&mut wire, 13, "bob", "guess");
    assert_eq!(bob.status, StatusCode::UNAUTHORIZED);
    let elsewhere = flow("192.0.2.77:5060");
    let there = invite("").replace("z9hG4bKinvite", "z9hG4bKelsewhere");
    wire.receive_from(elsewhere, &there);
    let nonce_there = param(&challenges(&mut wire)[0], "nonce");
    let right = ANN.to("INVITE", &nonce_there);
    let there = numbered(2, "INVITE", "z9hG4bKthere", "", &right);
    wire.receive_from(elsewhere, &there.replace("call-1", "call-2"));
    assert!(wire.said().contains(&"100".to_owned()));
    // After a minute Ann may try again.
    wire.wait(Duration::from_secs(60));
    wire.sent.clear();
    assert_eq!(
        guess(&mut wire, 14, "ann", "guess").status,
        StatusCode::UNAUTHORIZED
    );
    answered(
        &mut wire,
        15,
        &Answer {
            count: Some(15),
            ..ANN
        }
        .to("INVITE", &nonce),
    );
    assert!(wire.said().contains(&"100".to_owned()));
}
