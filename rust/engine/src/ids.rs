//! The names by which Python and the threads of the engine speak of things.

use std::fmt;

/// How many low bits of an id name the media worker that is its home.
const HOME_BITS: u32 = 8;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

macro_rules! homed {
    ($name:ident) => {
        impl $name {
            /// The `serial`-th id whose home is media worker `home` (0–255).
            pub const fn new(serial: u64, home: u8) -> Self {
                Self(serial << HOME_BITS | home as u64)
            }

            /// The media worker that commands for this id are sent to. A call that has been moved
            /// to a room elsewhere is followed from there, so commands keep their order.
            pub const fn home(self) -> u8 {
                (self.0 & 0xff) as u8
            }
        }
    };
}

id! {
    /// One call: its SIP session and its [`Leg`](crate::media::leg::Leg) share this id.
    CallId
}
id! {
    /// One room: legs that hear each other, owned by one media worker for life.
    RoomId
}
id! {
    /// One playback, chosen by the caller of [`MediaCommand::Play`](crate::command::MediaCommand::Play).
    PlayId
}
id! {
    /// One recording, chosen by the caller of [`MediaCommand::Record`](crate::command::MediaCommand::Record).
    RecordingId
}
id! {
    /// One ring of a tap, chosen by the caller of [`MediaCommand::Tap`](crate::command::MediaCommand::Tap).
    TapId
}
id! {
    /// One request of a peer's beside those that make calls, until it is answered.
    TransactionId
}
id! {
    /// One subscription, ours or a peer's, or what comes of a REFER.
    SubscriptionId
}
id! {
    /// One command given by Python; its completion is [`Event::Done`](crate::event::Event::Done).
    RequestId
}
homed!(CallId);
homed!(RoomId);
