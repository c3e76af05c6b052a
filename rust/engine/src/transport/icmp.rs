//! What ICMP says of datagrams that we have sent (RFC 3261 §18.4).
//!
//! The kernel keeps such an error in a queue of the socket (`IP_RECVERR`) with the address that
//! could not be reached. It also returns it from whatever is done next with the socket, which need
//! not have to do with it: [`is_of_icmp`] tells those.
//!
//! Anyone who guesses the ports can forge such an error. It ends only what has had no response.

use std::{io, mem, net::SocketAddr, os::fd::AsRawFd, ptr};

use socket2::{SockAddr, SockAddrStorage, Socket};

/// Errors taken at a time.
const BATCH: usize = 64;
/// Room for one `sock_extended_err` with the address of who reports it, and its header.
const CONTROL: usize = 128;

/// Aligned as the kernel writes control messages.
#[repr(C, align(8))]
struct Control([u8; CONTROL]);

/// Whether an operation failed for what ICMP has said of an earlier one.
pub(super) fn is_of_icmp(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::ECONNREFUSED
                | libc::EHOSTUNREACH
                | libc::ENETUNREACH
                | libc::ENOPROTOOPT
                | libc::EHOSTDOWN
                | libc::EPROTO
                | libc::EMSGSIZE
        )
    )
}

/// The addresses, each once, that can't be reached by what has been reported since the last time.
pub(super) fn unreachable(socket: &Socket) -> Vec<SocketAddr> {
    let mut unreachable = Vec::new();
    for _ in 0..BATCH {
        let Some(report) = next(socket) else { break };
        if let Some(address) = report
            && !unreachable.contains(&address)
        {
            unreachable.push(address);
        }
    }
    unreachable
}

/// Takes the next report: the address that can't be reached, if it says that.
fn next(socket: &Socket) -> Option<Option<SocketAddr>> {
    let mut storage = SockAddrStorage::zeroed();
    let mut control = Control([0; CONTROL]);
    // SAFETY: all-zero is a valid msghdr: null pointers and lengths of 0.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_name = ptr::from_mut(&mut storage).cast();
    header.msg_namelen = storage.size_of();
    header.msg_control = ptr::from_mut(&mut control).cast();
    header.msg_controllen = CONTROL;
    // SAFETY: the header points at buffers that outlive the call, with their lengths.
    let received = unsafe {
        libc::recvmsg(
            socket.as_raw_fd(),
            &raw mut header,
            libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT,
        )
    };
    if received < 0 {
        return None;
    }
    // SAFETY: the kernel has written an address of this length.
    let address = unsafe { SockAddr::new(storage, header.msg_namelen) }.as_socket();
    Some(address.filter(|_| says_unreachable(&header)))
}

/// Host, network, port or protocol unreachable, or a problem with a parameter; too large a packet
/// and a time exceeded are none of these.
fn says_unreachable(header: &libc::msghdr) -> bool {
    const V4_UNREACHABLE: u8 = 3;
    const V4_TOO_LARGE: u8 = 4;
    const V4_PARAMETER: u8 = 12;
    const V6_UNREACHABLE: u8 = 1;
    const V6_PARAMETER: u8 = 4;
    // SAFETY: the kernel has filled the control buffer that the header describes; the macros walk
    // it within msg_controllen, and the data are read unaligned by the type that the kernel wrote.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while !message.is_null() {
            if let (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) =
                ((*message).cmsg_level, (*message).cmsg_type)
            {
                let error: libc::sock_extended_err =
                    ptr::read_unaligned(libc::CMSG_DATA(message).cast());
                return match error.ee_origin {
                    libc::SO_EE_ORIGIN_ICMP => {
                        (error.ee_type == V4_UNREACHABLE && error.ee_code != V4_TOO_LARGE)
                            || error.ee_type == V4_PARAMETER
                    }
                    libc::SO_EE_ORIGIN_ICMP6 => {
                        matches!(error.ee_type, V6_UNREACHABLE | V6_PARAMETER)
                    }
                    _ => false,
                };
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    false
}
