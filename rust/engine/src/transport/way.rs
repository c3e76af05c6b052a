//! From which of our addresses the machine's way to a peer starts.

use std::{
    cell::RefCell,
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

/// How long an answer of the kernel counts: a route that changes is noticed that soon.
const FRESH: Duration = Duration::from_secs(5);
/// Peers that are remembered.
const MOST: usize = 1024;

/// The ways that were asked for lately.
#[derive(Debug, Default)]
pub(super) struct Ways(RefCell<HashMap<IpAddr, (Instant, IpAddr)>>);

impl Ways {
    /// The address from which the machine's way to `peer` starts, for a socket bound to `bound`.
    pub(super) fn local_towards(&self, bound: SocketAddr, peer: IpAddr) -> io::Result<SocketAddr> {
        let local = match bound.ip().is_unspecified() {
            true => self.find(Instant::now(), peer, || ask(bound.ip(), peer))?,
            false => bound.ip(),
        };
        Ok(SocketAddr::new(local, bound.port()))
    }

    fn find(
        &self,
        now: Instant,
        peer: IpAddr,
        ask: impl FnOnce() -> io::Result<IpAddr>,
    ) -> io::Result<IpAddr> {
        let mut known = self.0.borrow_mut();
        if let Some((until, local)) = known.get(&peer)
            && now < *until
        {
            return Ok(*local);
        }
        let local = ask()?;
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(peer, (now + FRESH, local));
        Ok(local)
    }
}

/// Asks the kernel, which costs a socket.
fn ask(bound: IpAddr, peer: IpAddr) -> io::Result<IpAddr> {
    // Connecting a UDP socket sends nothing.
    let probe = UdpSocket::bind((bound, 0))?;
    probe.connect((peer, 9))?;
    Ok(probe.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_asked_once_in_a_while_for_each_peer() {
        let (ways, mut now) = (Ways::default(), Instant::now());
        let (peer, other) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let (ours, moved) = ([192, 0, 2, 100].into(), [192, 0, 2, 101].into());
        let unasked = || unreachable!("it is known");
        assert_eq!(ways.find(now, peer, || Ok(ours)).unwrap(), ours);
        assert_eq!(ways.find(now, peer, unasked).unwrap(), ours);
        let down = || Err(io::ErrorKind::NetworkUnreachable.into());
        assert!(ways.find(now, other, down).is_err());
        assert_eq!(
            ways.find(now, other, || Ok(ours)).unwrap(),
            ours,
            "a failure is not kept"
        );
        now += FRESH;
        assert_eq!(ways.find(now, peer, || Ok(moved)).unwrap(), moved);
    }

    #[test]
    fn many_peers_take_no_more_than_their_room() {
        let (ways, now) = (Ways::default(), Instant::now());
        for number in 0..5000_u32 {
            let peer = IpAddr::from(number.to_be_bytes());
            ways.find(now, peer, || Ok(peer)).unwrap();
            assert!(ways.0.borrow().len() <= MOST);
        }
    }
}
