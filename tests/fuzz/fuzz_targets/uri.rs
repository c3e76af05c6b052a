//! Any text is a URI or none; a URI prints as it was read and equals itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sems_sip::header::Params;
use sems_sip::{SipUri, Uri};

fuzz_target!(|text: &str| {
    let Ok(uri) = text.parse::<Uri>() else {
        return;
    };
    assert_eq!(uri.to_string(), text);
    assert!(uri.equivalent(&uri));
    if let Uri::Sip(uri) = uri {
        if uri.params().iter().count() == Params::MAX {
            return;
        }
        let _ = (uri.user(), uri.password(), uri.transport(), uri.param("lr"));
        let changed = uri
            .with_port(Some(5060))
            .with_param("transport", "udp")
            .for_request_line();
        let read: SipUri = changed
            .to_string()
            .parse()
            .expect("what was made can be read");
        assert_eq!(read, changed);
        assert_eq!(read.host(), uri.host());
        assert_eq!(read.user(), uri.user());
    }
});
