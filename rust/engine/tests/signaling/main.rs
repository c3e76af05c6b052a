//! Calls from SIP to sound and back, in virtual time on a network in memory.

mod calls;
mod changes;
mod descriptions;
mod early_changes;
mod early_media;
mod forks;
mod info;
mod links;
mod lossy;
mod nat;
mod offers;
mod overload;
mod phone;
mod refusals;
mod requests;
mod servers;
mod shutdown;
mod strangers;
mod transports;
mod world;
