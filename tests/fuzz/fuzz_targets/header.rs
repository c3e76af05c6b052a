//! The first byte chooses a header, the rest is its value: it is read or refused, and what was read
//! prints to what reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sems_sip::header::*;
use sems_sip::{Bytes, Text};

fn again<T: Header + PartialEq + std::fmt::Debug>(value: &Text) {
    let Ok(header) = T::parse(value) else {
        return;
    };
    let printed = Text::from(header.to_string());
    let read = T::parse(&printed).unwrap_or_else(|error| panic!("{printed:?}: {error}"));
    assert_eq!(read.to_string(), &*printed);
}

macro_rules! choose {
    ($($header:ident)*) => {
        const ALL: &[fn(&Text)] = &[$(again::<$header>),*];
    };
}

choose! {
    Accept Allow CallId CallInfo Contact ContentDisposition
    ContentLength ContentType CSeq Expires From MaxForwards
    MinSe PAssertedIdentity ProxyRequire RAck RSeq Reason
    RecordRoute ReferTo ReferredBy Replaces Require RetryAfter
    Route Server SessionExpires Supported To Unsupported
    UserAgent Via
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, value)) = data.split_first() else {
        return;
    };
    let Ok(value) = Text::try_from(Bytes::copy_from_slice(value)) else {
        return;
    };
    // A value never has blanks at its ends, nor line ends within.
    let value = value.trim();
    if !value.contains(['\r', '\n']) {
        ALL[usize::from(*choice) % ALL.len()](&Text::from(value));
    }
});
