//! Any datagram is read or refused; what was read prints to what reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sems_sip::header::{
    Allow, CallInfo, Contact, ContentType, Expires, From, Header, Reason, RecordRoute, RetryAfter,
    Route, Supported, To, Via,
};
use sems_sip::{Bytes, Message, Uri};

fn read_all<T: Header>(message: &Message) -> Vec<T> {
    message.headers().get_all_typed().flatten().collect()
}

fuzz_target!(|datagram: &[u8]| {
    match Message::parse(&Bytes::copy_from_slice(datagram)) {
        Ok(message) => {
            for via in read_all::<Via>(&message) {
                let _ = (
                    via.branch(),
                    via.received(),
                    via.rport(),
                    via.maddr(),
                    via.ttl(),
                );
            }
            for contact in read_all::<Contact>(&message) {
                let _ = (contact.q(), contact.expires());
                if let Some(Uri::Sip(uri)) = contact.address().map(|address| &address.uri) {
                    let _ = (
                        uri.user(),
                        uri.password(),
                        uri.host(),
                        uri.headers().count(),
                    );
                }
            }
            for from in read_all::<From>(&message) {
                let _ = (from.display_name(), from.tag());
            }
            read_all::<To>(&message);
            read_all::<Route>(&message);
            read_all::<RecordRoute>(&message);
            read_all::<Allow>(&message);
            read_all::<Supported>(&message);
            read_all::<ContentType>(&message);
            read_all::<Expires>(&message);
            read_all::<CallInfo>(&message);
            read_all::<Reason>(&message);
            read_all::<RetryAfter>(&message);

            // Printing adds a row, so a message at the limits may grow past them.
            let printed = message.to_bytes();
            let at_the_limit =
                printed.len() > Message::MAX_LEN || message.headers().len() >= Message::MAX_HEADERS;
            if !at_the_limit {
                let again = Message::parse(&printed).expect("what was printed can be read");
                assert_eq!(again.to_bytes(), printed);
            }
        }
        Err(error) => {
            if let Some(response) = error.response() {
                let _ = Message::parse(&response.to_bytes());
            }
        }
    }
});
