//! A stream gives the same frames however it is cut, and holds no more than one message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sems_sip::Message;
use sems_sip::stream::{Frame, Framer};

fn frames<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Frame> {
    let mut framer = Framer::new();
    let mut frames = Vec::new();
    for piece in pieces {
        framer.push(piece);
        while let Some(frame) = framer.pop() {
            if let Frame::Message(message) = &frame {
                assert!(message.len() <= Message::MAX_LEN);
            }
            frames.push(frame);
        }
    }
    frames
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, stream) = input;
    let size = 1 + usize::from(size);
    assert_eq!(frames(std::iter::once(stream)), frames(stream.chunks(size)));
});
