//! The yardstick: the cheapest UDP echo server that still has a socket of its own for each call.

use std::{
    io::{self, Write},
    net::UdpSocket,
    os::fd::AsRawFd,
};

/// Binds `count` sockets on loopback, prints their ports, and echoes until stdin closes or it is killed.
pub fn serve(count: usize) {
    crate::server::raise_open_files();
    let sockets: Vec<UdpSocket> = (0..count)
        .map(|_| UdpSocket::bind("127.0.0.1:0").expect("a free port"))
        .collect();
    // SAFETY: plain system calls on descriptors that live as long as `sockets`.
    unsafe {
        let epoll = libc::epoll_create1(0);
        for (index, socket) in sockets.iter().enumerate() {
            let mut event = libc::epoll_event {
                events: libc::EPOLLIN as u32,
                u64: index as u64,
            };
            libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, socket.as_raw_fd(), &mut event);
        }
        let ports: Vec<String> = sockets
            .iter()
            .map(|s| s.local_addr().expect("bound").port().to_string())
            .collect();
        println!("{}", ports.join(" "));
        io::stdout().flush().expect("stdout");
        let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; 256];
        let mut buffer = [0u8; 2048];
        let mut from: libc::sockaddr_in = std::mem::zeroed();
        loop {
            let ready = libc::epoll_wait(epoll, events.as_mut_ptr(), 256, -1).max(0) as usize;
            for event in &events[..ready] {
                let fd = sockets[event.u64 as usize].as_raw_fd();
                let mut length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
                let address = (&raw mut from).cast();
                let size = libc::recvfrom(
                    fd,
                    buffer.as_mut_ptr().cast(),
                    buffer.len(),
                    0,
                    address,
                    &mut length,
                );
                if size > 0 {
                    libc::sendto(
                        fd,
                        buffer.as_ptr().cast(),
                        size as usize,
                        0,
                        address,
                        length,
                    );
                }
            }
        }
    }
}
