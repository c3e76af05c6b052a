//! Who shows which certificate, and who is believed.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use sems_engine::transport::{
    Arrival, Transport,
    tls::{Tls, TlsConfig},
};

use crate::ends::{End, Folder, message, tls, until};

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
