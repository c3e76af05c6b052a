//! Reading a message costs one allocation and one for each name that isn't known, its headers none.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sems_sip::header::{
    CSeq, CallId, Contact, From, Header, MaxForwards, RecordRoute, Route, To, Via,
};
use sems_sip::{Bytes, Message};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: everything is left to the system's allocator; counting touches no memory of its own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = ALLOCATIONS.get();
    let result = work();
    (ALLOCATIONS.get() - before, result)
}

const INVITE: &str = "INVITE sip:standup@192.0.2.10 SIP/2.0\r\n\
    Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bKPj8f, SIP/2.0/TCP h.example\r\n\
    Max-Forwards: 70\r\n\
    From: \"Ann \\\"E\\\"\" <sip:ann@example.org>;tag=1928301774\r\n\
    To: Stand up <sip:standup@192.0.2.10>\r\n\
    Contact: <sip:ann@198.51.100.7:5060;ob>;+sip.instance=\"<urn:uuid:0>\"\r\n\
    Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\n\
    Route: <sip:192.0.2.10;lr>\r\n\
    Call-ID: a84b4c76e66710\r\n\
    CSeq: 314159 INVITE\r\n\
    P-App-Name: conference\r\n\
    Content-Length: 0\r\n\r\n";

#[test]
fn an_invite_is_read_with_one_allocation_and_one_for_a_strange_name_and_its_headers_with_none() {
    fn read<T: Header>(message: &Message) {
        assert!(
            message
                .headers()
                .get_all_typed::<T>()
                .all(|header| header.is_ok())
        );
    }
    let datagram = Bytes::from_static(INVITE.as_bytes());
    let (count, message) = allocations(|| Message::parse(&datagram).unwrap());
    assert_eq!(count, 2, "the list of rows, and P-App-Name");
    let (count, ()) = allocations(|| {
        read::<Via>(&message);
        read::<MaxForwards>(&message);
        read::<From>(&message);
        read::<To>(&message);
        read::<Contact>(&message);
        read::<RecordRoute>(&message);
        read::<Route>(&message);
        read::<CallId>(&message);
        read::<CSeq>(&message);
    });
    assert_eq!(count, 0);
}
