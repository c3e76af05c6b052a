//! A stranger writes the headers of authentication: reading them never fails badly, writing what
//! was read and reading it again changes nothing, and a user agent on either side survives them.

#![no_main]

use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use sems_sip::auth::{Algorithm, Asker, AuthConfig, Credential, Keyring, Secret};
use sems_sip::header::{AuthValue, AuthenticationInfo, NameAddr};
use sems_sip::transaction::Transport;
use sems_sip::user_agent::{Output, OutgoingRequest, UserAgentConfig};
use sems_sip::{Flow, HeaderName, Headers, Message, Method, Request, Uri, UserAgent};

fn agent() -> UserAgent {
    let auth = AuthConfig {
        methods: vec![Method::Invite],
        realm: "sems".to_owned(),
        algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
        users: [("ann".to_owned(), Secret::Password("secret".to_owned()))].into(),
        ..AuthConfig::default()
    };
    let config = UserAgentConfig {
        auth: Some(auth),
        ..UserAgentConfig::default()
    };
    UserAgent::new(config, [1; 32])
}

fn flow() -> Flow {
    Flow {
        transport: Transport::Udp,
        local: "192.0.2.2:5060".parse().unwrap(),
        remote: "192.0.2.1:5060".parse().unwrap(),
    }
}

fn sent(agent: &mut UserAgent) -> Vec<Request> {
    let mut requests = Vec::new();
    while let Some(output) = agent.poll_output() {
        if let Output::Transmit { payload, .. } = output
            && let Ok(Message::Request(request)) = Message::parse(&payload)
        {
            requests.push(request);
        }
    }
    requests
}

fuzz_target!(|text: &str| {
    if text.contains(['\r', '\n']) {
        return;
    }
    let mut headers = Headers::new();
    headers.push(HeaderName::WwwAuthenticate, text.to_owned());
    headers.push(HeaderName::AuthenticationInfo, text.to_owned());
    for value in AuthValue::all(&headers, &HeaderName::WwwAuthenticate) {
        let mut again = Headers::new();
        again.push(HeaderName::WwwAuthenticate, value.to_string());
        assert_eq!(AuthValue::all(&again, &HeaderName::WwwAuthenticate), [value]);
    }
    let _ = headers.get_typed::<AuthenticationInfo>();

    let now = Instant::now();
    let mut callee = agent();
    let invite = format!(
        "INVITE sip:room@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
         From: <sip:ann@192.0.2.1>;tag=1\r\nTo: <sip:room@192.0.2.2>\r\nCall-ID: 1\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:ann@192.0.2.1>\r\nAuthorization: {text}\r\n\r\n"
    );
    callee.receive(now, flow(), invite.into());

    let mut caller = agent();
    let uri: Uri = "sip:bob@192.0.2.1".parse().unwrap();
    let credential = Credential {
        asker: Asker::Anyone,
        username: "ann".to_owned(),
        password: "secret".to_owned(),
    };
    let request = OutgoingRequest {
        credentials: Keyring::new([credential]),
        ..OutgoingRequest::new(flow(), uri.clone(), NameAddr::new(uri))
    };
    let _ = caller.invite(now, request);
    for (status, name) in [
        ("401 Unauthorized", "WWW-Authenticate"),
        ("407 Proxy Authentication Required", "Proxy-Authenticate"),
        ("200 OK", "Authentication-Info"),
    ] {
        for request in sent(&mut caller) {
            if request.method != Method::Invite {
                continue;
            }
            let row = |name: HeaderName| request.headers.get(&name).unwrap_or_default();
            let response = format!(
                "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=2\r\nCall-ID: {}\r\n\
                 CSeq: {}\r\nContact: <sip:bob@192.0.2.1>\r\n{name}: {text}\r\n\r\n",
                row(HeaderName::Via),
                row(HeaderName::From),
                row(HeaderName::To),
                row(HeaderName::CallId),
                row(HeaderName::CSeq),
            );
            caller.receive(now, flow(), response.into());
        }
    }
});
