//! RTP ports: how packets get in and out, and which ports are free.
//!
//! Everything about the way of a packet through the system is behind [`PacketSocket`]. A call has
//! one [`Port`], an even one for RTP and the next for RTCP (RFC 3550 §11). Ports come from a
//! [`PortPool`] and rest before they are used again, so that the last packets of a call don't
//! reach the next one.

mod pool;
mod socket;

pub use pool::{Port, PortPool, PortSource};
pub use socket::{PacketSocket, UdpSocket};

#[cfg(test)]
mod tests {
    use std::{
        io,
        net::{IpAddr, Ipv4Addr, SocketAddr},
        time::{Duration, Instant},
    };

    use super::{pool::REST, *};
    use crate::transport::memory::{LinkQuality, MemoryHost, MemoryNetwork};

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn memory_pool(range: (u16, u16)) -> (PortPool, MemoryHost) {
        let host = MemoryNetwork::new(0, LinkQuality::default()).host();
        let pool = PortPool::new(PortSource::Memory(host.clone()), range);
        (pool, host)
    }

    #[test]
    fn rtp_is_even_and_its_neighbour_is_rtcp() {
        let now = Instant::now();
        let (mut pool, host) = memory_pool((10_001, 10_006));
        assert_eq!(pool.size(), 2);
        let first = pool.take(host.ip(), now).unwrap();
        let second = pool.take(host.ip(), now).unwrap();
        assert_eq!(
            (first.local().port(), second.local().port()),
            (10_002, 10_004)
        );
        assert_eq!(host.network().sockets(), 4);
        assert!(pool.take(host.ip(), now).is_err());
        assert_eq!(pool.in_use(), 2);
    }

    #[test]
    fn a_port_rests_before_it_is_used_again() {
        let start = Instant::now();
        let (mut pool, host) = memory_pool((10_000, 10_001));
        drop(pool.take(host.ip(), start).unwrap());
        let error = pool.take(host.ip(), start).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        assert!(
            pool.take(host.ip(), start + Duration::from_millis(4_999))
                .is_err()
        );
        assert!(pool.take(host.ip(), start + REST).is_ok());
    }

    #[test]
    fn a_port_that_somebody_else_has_is_passed_over() {
        let now = Instant::now();
        let (mut pool, host) = memory_pool((10_000, 10_003));
        let _other = host.bind(10_001).unwrap();
        assert_eq!(pool.take(host.ip(), now).unwrap().local().port(), 10_002);
    }

    #[test]
    fn sockets_stay_open_for_the_next_call_which_hears_nothing_of_the_last() {
        let start = Instant::now();
        // Anybody on the machine may have some of these ports: the system gives such away.
        let mut pool = PortPool::new(PortSource::Machine, (41_300, 41_399));
        let [(mut peer, peer_at), (mut other, other_at), _] = ports(41_400);
        let mut port = pool.take(HERE, start).unwrap();
        let at = port.local();
        port.rtp.settle(Some(peer_at));
        drop(port);
        pool.reclaim(start);
        peer.rtp.send(b"late", at);
        // The port is still bound: nobody else can have it.
        assert!(UdpSocket::bind(at).is_err());
        let mut again = pool.take(HERE, start + REST).unwrap();
        assert_eq!(again.local(), at);
        other.rtp.send(b"new", at);
        let heard = receive_soon(&mut *again.rtp);
        assert_eq!(heard, (b"new".to_vec(), other_at));
    }

    #[test]
    fn an_address_that_is_not_ours_is_an_error() {
        let now = Instant::now();
        let mut pool = PortPool::new(PortSource::Machine, (40_000, 40_009));
        let error = pool.take("192.0.2.1".parse().unwrap(), now).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        assert_eq!(pool.in_use(), 0);
    }

    fn receive_soon(socket: &mut dyn PacketSocket) -> (Vec<u8>, SocketAddr) {
        let mut buffer = [0; 64];
        loop {
            if let Some((length, source)) = socket.receive(&mut buffer) {
                return (buffer[..length].to_vec(), source);
            }
            std::thread::yield_now();
        }
    }

    /// Three ports of ours with their addresses.
    fn ports(first: u16) -> [(Port, SocketAddr); 3] {
        let now = Instant::now();
        let mut pool = PortPool::new(PortSource::Machine, (first, first + 99));
        std::array::from_fn(|_| {
            let port = pool.take(HERE, now).unwrap();
            let local = port.local();
            (port, local)
        })
    }

    #[test]
    fn a_settled_socket_can_still_send_elsewhere_and_hear_others_again() {
        let [(mut ours, at), (mut peer, peer_at), (mut other, other_at)] = ports(41_000);
        let (ours, peer, other) = (&mut *ours.rtp, &mut *peer.rtp, &mut *other.rtp);
        ours.settle(Some(peer_at));
        ours.send(b"to peer", peer_at);
        assert_eq!(receive_soon(peer), (b"to peer".to_vec(), at));
        peer.send(b"from peer", at);
        assert_eq!(receive_soon(ours), (b"from peer".to_vec(), peer_at));
        ours.send(b"to other", other_at);
        assert_eq!(receive_soon(other), (b"to other".to_vec(), at));
        other.send(b"from other", at);
        assert_eq!(receive_soon(ours), (b"from other".to_vec(), other_at));
    }

    #[test]
    fn a_peer_that_is_gone_does_not_silence_the_socket() {
        let [(mut ours, at), (peer, peer_at), _] = ports(41_100);
        let ours = &mut *ours.rtp;
        ours.settle(Some(peer_at));
        drop(peer);
        ours.send(b"lost", peer_at);
        let mut back = UdpSocket::bind(peer_at).unwrap();
        back.send(b"back", at);
        assert_eq!(receive_soon(ours), (b"back".to_vec(), peer_at));
    }

    #[test]
    fn a_datagram_is_known_to_have_waited() {
        let [(mut ours, at), (mut peer, _), _] = ports(41_200);
        let (ours, peer) = (&mut *ours.rtp, &mut *peer.rtp);
        const PAUSE: Duration = Duration::from_millis(5);
        // The kernel takes some time to begin with its time stamps.
        let known = (0..100).any(|_| {
            peer.send(b"now", at);
            let sent = Instant::now();
            std::thread::sleep(PAUSE);
            receive_soon(ours);
            let waited = ours.waited();
            waited.is_some_and(|waited| PAUSE <= waited && waited <= sent.elapsed() + PAUSE)
        });
        assert!(known);
    }
}
