//! SIP over UDP (RFC 3261 §18) on a socket of the machine.
//!
//! A socket bound to all addresses learns from the kernel (`IP_PKTINFO`, `IPV6_PKTINFO`) at which
//! one a datagram arrived, and answers from there: a phone, or the NAT before it, drops an answer
//! that comes from elsewhere.

use std::{
    io, mem,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::{AsRawFd, RawFd},
    ptr,
    time::Instant,
};

use bytes::Bytes;
use sems_sip::{Flow, transaction::Transport as FlowTransport};
use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, Socket, Type};

use super::{
    Arrival, Transport,
    icmp::{self, is_of_icmp},
    way::Ways,
};
use crate::error::EngineError;

/// Datagrams taken by one system call.
const BATCH: usize = 32;
/// The longest that UDP can carry.
const LARGEST: usize = 65_535;
/// Asked of the kernel, so that a burst of calls waits instead of being lost.
const RECEIVE_BUFFER: usize = 4 << 20;
/// Room for one `in_pktinfo` or `in6_pktinfo` with its header.
const CONTROL: usize = 64;

/// A UDP socket that knows at which of our addresses a datagram arrived.
pub struct UdpTransport {
    socket: Socket,
    bound: SocketAddr,
    ways: Ways,
    buffers: Box<[Buffer; BATCH]>,
}

struct Buffer {
    data: Vec<u8>,
    source: SockAddrStorage,
    control: Control,
}

/// Aligned as the kernel writes control messages.
#[repr(C, align(8))]
struct Control([u8; CONTROL]);

impl UdpTransport {
    /// Listens at `address`; port 0: one that the system chooses.
    ///
    /// # Errors
    /// [`EngineError::Listen`], in use and not permitted above all.
    pub fn bind(address: SocketAddr) -> Result<Self, EngineError> {
        let listen = |source| EngineError::Listen {
            transport: "udp",
            address,
            source,
        };
        let socket = Self::open(address).map_err(listen)?;
        let bound = socket.local_addr().map_err(listen)?;
        let bound = bound
            .as_socket()
            .ok_or_else(|| listen(io::ErrorKind::Unsupported.into()))?;
        let buffers = Box::new(std::array::from_fn(|_| Buffer {
            data: vec![0; LARGEST],
            source: SockAddrStorage::zeroed(),
            control: Control([0; CONTROL]),
        }));
        Ok(Self {
            socket,
            bound,
            ways: Ways::default(),
            buffers,
        })
    }

    fn open(address: SocketAddr) -> io::Result<Socket> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        match address {
            SocketAddr::V4(_) => {
                set_flag(&socket, libc::IPPROTO_IP, libc::IP_PKTINFO)?;
                set_flag(&socket, libc::IPPROTO_IP, libc::IP_RECVERR)?;
            }
            SocketAddr::V6(_) => {
                // So that IPv4 can have a socket of its own at the same port.
                socket.set_only_v6(true)?;
                set_flag(&socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO)?;
                set_flag(&socket, libc::IPPROTO_IPV6, libc::IPV6_RECVERR)?;
            }
        }
        // The kernel gives what it permits; less is no reason not to start.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        Ok(socket)
    }

    /// Sends the message that the header describes, with valid pointers.
    fn send_message(&self, header: &libc::msghdr) -> io::Result<()> {
        // SAFETY: the header points at buffers that outlive the call, with their lengths; the
        // kernel only reads them.
        let sent = unsafe { libc::sendmsg(self.socket.as_raw_fd(), header, libc::MSG_DONTWAIT) };
        if sent < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }
}

impl Transport for UdpTransport {
    fn kind(&self) -> FlowTransport {
        FlowTransport::Udp
    }

    fn bound(&self) -> SocketAddr {
        self.bound
    }

    fn local_for(&self, peer: IpAddr) -> io::Result<SocketAddr> {
        self.ways.local_towards(self.bound, peer)
    }

    fn receive(&mut self, _now: Instant, into: &mut Vec<Arrival>) -> io::Result<()> {
        let mut vectors: [libc::iovec; BATCH] = std::array::from_fn(|i| libc::iovec {
            iov_base: self.buffers[i].data.as_mut_ptr().cast(),
            iov_len: LARGEST,
        });
        // SAFETY: all-zero is a valid mmsghdr: null pointers and lengths of 0.
        let mut headers: [libc::mmsghdr; BATCH] = unsafe { mem::zeroed() };
        for (i, header) in headers.iter_mut().enumerate() {
            let buffer = &mut self.buffers[i];
            let header = &mut header.msg_hdr;
            header.msg_name = ptr::from_mut(&mut buffer.source).cast();
            header.msg_namelen = buffer.source.size_of();
            header.msg_iov = &raw mut vectors[i];
            header.msg_iovlen = 1;
            header.msg_control = buffer.control.0.as_mut_ptr().cast();
            header.msg_controllen = CONTROL;
        }
        // SAFETY: each header points at buffers of ours that outlive the call, with their lengths.
        let received = unsafe {
            libc::recvmmsg(
                self.socket.as_raw_fd(),
                headers.as_mut_ptr(),
                BATCH as u32,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        if received < 0 {
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::Interrupted {
                return Ok(());
            }
            // Nothing to be read, so what woke us may be an error.
            let known = error.kind() == io::ErrorKind::WouldBlock || is_of_icmp(&error);
            let unreachable = icmp::unreachable(&self.socket).into_iter();
            into.extend(unreachable.map(|remote| {
                Arrival::Unreachable(Flow {
                    transport: FlowTransport::Udp,
                    local: self.bound,
                    remote,
                })
            }));
            return if known { Ok(()) } else { Err(error) };
        }
        for (header, buffer) in headers
            .iter()
            .zip(self.buffers.iter())
            .take(received as usize)
        {
            // SAFETY: the kernel has written an address of this length; the storage is plain bytes,
            // of which a copy may be made.
            let source =
                unsafe { SockAddr::new(ptr::read(&buffer.source), header.msg_hdr.msg_namelen) };
            let Some(source) = source.as_socket() else {
                continue;
            };
            let arrived = arrival_address(&header.msg_hdr).unwrap_or(self.bound.ip());
            let length = header.msg_len as usize;
            into.push(Arrival::Message {
                flow: Flow {
                    transport: FlowTransport::Udp,
                    local: SocketAddr::new(arrived, self.bound.port()),
                    remote: source,
                },
                data: Bytes::copy_from_slice(&buffer.data[..length]),
            });
        }
        Ok(())
    }

    fn send(&mut self, _now: Instant, flow: Flow, data: &Bytes) -> io::Result<()> {
        let local = flow.local.ip();
        let mut control = Control([0; CONTROL]);
        let destination = SockAddr::from(flow.remote);
        let mut vector = libc::iovec {
            iov_base: data.as_ptr().cast_mut().cast(),
            iov_len: data.len(),
        };
        // SAFETY: all-zero is a valid msghdr: null pointers and lengths of 0.
        let mut header: libc::msghdr = unsafe { mem::zeroed() };
        header.msg_name = destination.as_ptr().cast_mut().cast();
        header.msg_namelen = destination.len();
        header.msg_iov = &raw mut vector;
        header.msg_iovlen = 1;
        if self.bound.ip().is_unspecified() && !local.is_unspecified() {
            header.msg_control = control.0.as_mut_ptr().cast();
            header.msg_controllen = CONTROL;
            set_source_address(&mut header, local);
        }
        let sent = self.send_message(&header);
        match sent {
            // Perhaps the error of another datagram, which is told only once this way.
            Err(error) if is_of_icmp(&error) => self.send_message(&header),
            sent => sent,
        }
    }

    fn fd(&self) -> Option<RawFd> {
        Some(self.socket.as_raw_fd())
    }
}

/// Whether the address is one of this machine's: only those can be bound.
pub fn is_own_address(address: IpAddr) -> bool {
    std::net::UdpSocket::bind((address, 0)).is_ok()
}

pub(super) fn set_flag(socket: &Socket, level: i32, option: i32) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the option takes an int, whose address and size are given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            ptr::from_ref(&on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// The destination address of a received datagram, from its control messages.
fn arrival_address(header: &libc::msghdr) -> Option<IpAddr> {
    // SAFETY: the kernel has filled the control buffer that the header describes; the macros walk
    // it within msg_controllen, and the data are read unaligned by the type that the kernel wrote.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while !message.is_null() {
            match ((*message).cmsg_level, (*message).cmsg_type) {
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    let info: libc::in_pktinfo =
                        ptr::read_unaligned(libc::CMSG_DATA(message).cast());
                    return Some(Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr)).into());
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    let info: libc::in6_pktinfo =
                        ptr::read_unaligned(libc::CMSG_DATA(message).cast());
                    return Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).into());
                }
                _ => message = libc::CMSG_NXTHDR(header, message),
            }
        }
    }
    None
}

/// Makes the datagram leave from `local`. The header's control buffer has room for it.
fn set_source_address(header: &mut libc::msghdr, local: IpAddr) {
    // SAFETY: the control buffer is aligned and longer than either message; the lengths written
    // are those of the messages.
    unsafe {
        let message = libc::CMSG_FIRSTHDR(header);
        match local {
            IpAddr::V4(address) => {
                let mut info: libc::in_pktinfo = mem::zeroed();
                info.ipi_spec_dst.s_addr = u32::from(address).to_be();
                let size = size_of::<libc::in_pktinfo>() as u32;
                (*message).cmsg_level = libc::IPPROTO_IP;
                (*message).cmsg_type = libc::IP_PKTINFO;
                (*message).cmsg_len = libc::CMSG_LEN(size) as _;
                ptr::write_unaligned(libc::CMSG_DATA(message).cast(), info);
                header.msg_controllen = libc::CMSG_SPACE(size) as _;
            }
            IpAddr::V6(address) => {
                let mut info: libc::in6_pktinfo = mem::zeroed();
                info.ipi6_addr.s6_addr = address.octets();
                let size = size_of::<libc::in6_pktinfo>() as u32;
                (*message).cmsg_level = libc::IPPROTO_IPV6;
                (*message).cmsg_type = libc::IPV6_PKTINFO;
                (*message).cmsg_len = libc::CMSG_LEN(size) as _;
                ptr::write_unaligned(libc::CMSG_DATA(message).cast(), info);
                header.msg_controllen = libc::CMSG_SPACE(size) as _;
            }
        }
    }
}
