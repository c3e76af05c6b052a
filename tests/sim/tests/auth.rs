//! Being asked for a password over a network that loses much.

use std::time::Duration;

use sems_sim::{Conditions, Pair, Side};
use sems_sip::auth::{Asker, AuthConfig, Credential, Keyring, Secret};
use sems_sip::header::NameAddr;
use sems_sip::registration::{Account, RegistrationState};
use sems_sip::user_agent::{Content, Event, Reply, UserAgentConfig};
use sems_sip::{HeaderName, Method, StatusCode, Uri};

/// Of both: who is asked, and by whom.
fn config() -> UserAgentConfig {
    let password = Secret::Password("secret".to_owned());
    UserAgentConfig {
        methods: vec![Method::Register],
        auth: Some(AuthConfig {
            methods: vec![Method::Invite, Method::Register],
            realm: "sim".to_owned(),
            users: [("ann".to_owned(), password)].into(),
            ..AuthConfig::default()
        }),
        ..UserAgentConfig::default()
    }
}

fn keyring() -> Keyring {
    Keyring::new([Credential {
        asker: Asker::First,
        username: "ann".to_owned(),
        password: "secret".to_owned(),
    }])
}

#[test]
fn a_call_that_is_asked_for_a_password_comes_up_and_goes() {
    for seed in 0..50 {
        let mut pair = Pair::with(seed, Conditions::bad(0.2, 0.1), config());
        let mut invite = pair
            .a
            .invitation(pair.b.address, Some(Content::sdp("offer")));
        invite.credentials = keyring();
        let at_a = pair.a.call_by(pair.now, invite);
        let at_b = pair.wait_for_invite(Side::B);
        pair.accept(Side::B, at_b);
        let up = pair.run_until(|pair| pair.a.told(at_a).up && pair.b.told(at_b).up);
        assert!(up, "seed {seed}");
        pair.hang_up(Side::A, at_a);
        pair.run_until_idle();
        pair.assert_nothing_is_left();
        assert_eq!(pair.b.told.len(), 1, "seed {seed}: nobody is asked twice");
    }
}

/// Answers the REGISTER that waits with its own Contacts.
fn register(pair: &mut Pair) {
    let waiting = pair.b.take(|event| match event {
        Event::Request {
            id, request, user, ..
        } => Some((*id, request.clone(), user.clone())),
        _ => None,
    });
    let Some((id, request, user)) = waiting else {
        return;
    };
    assert_eq!(user.as_deref(), Some("ann"));
    let mut reply = Reply::new(StatusCode::OK);
    for (name, value) in request.headers.iter() {
        if *name == HeaderName::Contact {
            reply.headers.push(name.clone(), value);
        }
    }
    let now = pair.now;
    pair.b.agent.respond(now, id, reply).expect("it waits");
}

/// Lets time pass, B being a registrar, until A is told what is wanted.
fn until(pair: &mut Pair, wanted: impl Fn(&RegistrationState) -> bool) -> bool {
    pair.run_until(|pair| {
        register(pair);
        let told = pair.a.take(|event| match event {
            Event::Registration { state, .. } => Some(state.clone()),
            _ => None,
        });
        told.is_some_and(|state| wanted(&state))
    })
}

#[test]
fn an_address_is_registered_refreshed_and_taken_back() {
    for seed in 0..50 {
        let mut pair = Pair::with(seed, Conditions::bad(0.2, 0.1), config());
        let (ours, theirs) = (pair.a.address, pair.b.address);
        let uri = |at: std::net::SocketAddr| -> Uri { format!("sip:ann@{at}").parse().unwrap() };
        let account = Account {
            address: NameAddr::new(uri(ours)),
            registrar: uri(theirs),
            flow: pair.a.flow(theirs),
            route: Vec::new(),
            expires: 60,
            credentials: keyring(),
        };
        let id = pair.a.agent.register(pair.now, account).unwrap();
        let is_registered = |state: &RegistrationState| {
            matches!(state, RegistrationState::Registered { expires: 60, .. })
        };
        for _ in 0..3 {
            assert!(until(&mut pair, is_registered), "seed {seed}");
        }
        pair.a.agent.unregister(pair.now, id).unwrap();
        let is_over = |state: &RegistrationState| *state == RegistrationState::Ended;
        assert!(until(&mut pair, is_over), "seed {seed}");
        while pair.a.agent.census() != Default::default() {
            pair.run_for(Duration::from_secs(1));
        }
        pair.run_for(Duration::from_secs(40));
        pair.assert_nothing_is_left();
    }
}
