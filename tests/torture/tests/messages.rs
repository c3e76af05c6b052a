//! Each torture message through the parser.

use sems_sip::{Bytes, Message, header::Contact};
use sems_torture::{Corpus, Outcome, RFC4475, RFC5118, Row, field};

fn each(check: impl Fn(&Corpus, &Row)) {
    for corpus in [&RFC4475, &RFC5118] {
        for row in corpus.rows {
            check(corpus, row);
        }
    }
}

#[test]
fn every_message_of_both_rfcs_is_here_and_has_a_row() {
    for (corpus, count) in [(&RFC4475, 49), (&RFC5118, 12)] {
        let mut rows: Vec<_> = corpus.rows.iter().map(|row| row.name).collect();
        rows.sort_unstable();
        assert_eq!(rows.len(), count, "{}", corpus.folder);
        assert_eq!(rows, corpus.files(), "{}", corpus.folder);
    }
}

#[test]
fn what_is_well_formed_is_read_and_what_is_not_is_refused_with_its_status() {
    each(|corpus, row| {
        let bytes = Bytes::from(corpus.bytes(row));
        match (Message::parse(&bytes), row.outcome) {
            (Err(error), Outcome::Refused(status)) => {
                let response = error.response().expect(row.name);
                assert_eq!(response.status.code(), status, "{}", row.name);
            }
            (Err(error), Outcome::Dropped) => assert!(error.response().is_none(), "{}", row.name),
            (Ok(_), Outcome::Refused(_) | Outcome::Dropped) => panic!("{} was read", row.name),
            (Ok(_), _) => {}
            (Err(error), _) => panic!("{}: {error}", row.name),
        }
    });
}

#[test]
fn the_fields_of_each_message_say_what_the_rfc_says_they_do() {
    each(|corpus, row| {
        let bytes = Bytes::from(corpus.bytes(row));
        for (name, value) in row.fields {
            let message = Message::parse(&bytes).expect(row.name);
            assert_eq!(field::read(&message, name), *value, "{} {name}", row.name);
        }
    });
}

#[test]
fn a_message_that_was_read_says_the_same_after_printing() {
    each(|corpus, row| {
        let bytes = Bytes::from(corpus.bytes(row));
        let Ok(message) = Message::parse(&bytes) else {
            return;
        };
        let printed = message.to_bytes();
        let again = Message::parse(&printed).expect(row.name);
        assert_eq!(again.to_bytes(), printed, "{}", row.name);
        for (name, value) in row.fields {
            assert_eq!(field::read(&again, name), *value, "{} {name}", row.name);
        }
    });
}

#[test]
fn a_contact_that_may_be_read_in_two_ways_is_not_read() {
    let row = RFC4475.rows.iter().find(|row| row.name == "regbadct");
    let bytes = RFC4475.bytes(row.unwrap()).into();
    let message = Message::parse(&bytes).unwrap();
    assert!(message.headers().require::<Contact>().is_err());
}
