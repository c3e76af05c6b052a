//! The user agent as the wire sees it: datagrams in, datagrams and events out.

mod admission;
mod answers;
mod anything;
mod called;
mod calling;
mod credentials;
mod failover;
mod floods;
mod garbage;
mod gate;
mod others;
mod prack;
mod refresh;
mod registering;
mod reliable;
mod replaces;
mod routing;
mod streams;
mod subscriptions;
mod update;
mod wire;
