//! Any body is cut into parts or refused, and what is found in it for the session lies in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sems_sip::body::{self, Session};
use sems_sip::header::{ContentType, Header};
use sems_sip::{Bytes, HeaderName, Headers};

fuzz_target!(|data: &[u8]| {
    let data = Bytes::copy_from_slice(data);
    for kind in ["multipart/mixed", "multipart/alternative"] {
        let kind = format!("{kind};boundary=b");
        let mut headers = Headers::new();
        headers.push(HeaderName::ContentType, kind.clone());
        let kind = ContentType::parse(&kind.into()).expect("a type");
        if let Ok(parts) = body::parts(&kind, &data) {
            assert!((1..=body::MAX_PARTS).contains(&parts.len()));
            let together: usize = parts.iter().map(|part| part.body.len()).sum();
            assert!(together <= data.len());
        }
        let is_known = |kind: &ContentType| kind.is("application/sdp");
        if let Ok(Session::Description(_, found)) = body::session(&headers, &data, &is_known) {
            let found = data.slice_ref(&found);
            assert!(found.len() < data.len());
        }
    }
});
