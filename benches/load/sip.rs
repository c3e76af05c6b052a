//! Just enough SIP to be a caller, written from templates so that no fault of our own stack hides.

use std::{
    collections::HashMap,
    io,
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Timer A: an INVITE is sent again after this long without a response.
const RESEND: Duration = Duration::from_millis(500);

/// One call as SIP sees it.
pub struct Dialog {
    call_id: String,
    uri: String,
    target: String,
    to_tag: String,
    media_port: u16,
    headers: &'static str,
    sent: Instant,
    resent: Instant,
    answered_by: bool,
    /// Where its RTP goes, once answered.
    pub remote: Option<SocketAddr>,
    /// INVITE → 200.
    pub set_up: Option<Duration>,
}

/// The caller's side of all calls, over one socket.
pub struct Caller {
    socket: UdpSocket,
    server: SocketAddr,
    dialogs: Vec<Dialog>,
    by_call_id: HashMap<String, usize>,
    /// Calls that have ended by BYE from the server or an error response, with what was said.
    pub lost: Vec<String>,
    byes_answered: usize,
}

impl Caller {
    /// Binds a socket on loopback.
    pub fn new(server: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            server,
            dialogs: Vec::new(),
            by_call_id: HashMap::new(),
            lost: Vec::new(),
            byes_answered: 0,
        })
    }

    /// Sends an INVITE for `user` with further header lines; RTP is to come to `media_port` on
    /// loopback. Returns the call's index.
    pub fn invite(&mut self, user: &str, headers: &'static str, media_port: u16) -> usize {
        let index = self.dialogs.len();
        let now = Instant::now();
        let call_id = format!(
            "load-{}-{index}",
            self.socket.local_addr().map(|a| a.port()).unwrap_or(0)
        );
        let uri = format!("sip:{user}@{}", self.server);
        self.by_call_id.insert(call_id.clone(), index);
        self.dialogs.push(Dialog {
            call_id,
            target: uri.clone(),
            uri,
            to_tag: String::new(),
            media_port,
            headers,
            sent: now,
            resent: now,
            answered_by: false,
            remote: None,
            set_up: None,
        });
        self.send_invite(index);
        index
    }

    /// Reads what has come: answers with ACK, and BYE with 200.
    pub fn poll(&mut self) {
        let mut buffer = [0u8; 8192];
        while let Ok((size, _)) = self.socket.recv_from(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..size]).into_owned();
            self.received(&text);
        }
        for index in 0..self.dialogs.len() {
            let dialog = &mut self.dialogs[index];
            if !dialog.answered_by && dialog.resent.elapsed() > RESEND {
                dialog.resent = Instant::now();
                self.send_invite(index);
            }
        }
    }

    /// All calls so far.
    pub fn dialogs(&self) -> &[Dialog] {
        &self.dialogs
    }

    /// How many have an answer.
    pub fn answered(&self) -> usize {
        self.dialogs.iter().filter(|d| d.remote.is_some()).count()
    }

    /// Whether the oldest unanswered call has waited too long.
    pub fn is_stuck(&self) -> bool {
        self.dialogs
            .iter()
            .any(|d| d.remote.is_none() && d.sent.elapsed() > PATIENCE)
    }

    /// Sends BYE for all, a few at a time, and waits for the answers.
    pub fn hang_up_all(&mut self) {
        for index in 0..self.dialogs.len() {
            if self.dialogs[index].remote.is_some() {
                self.send(index, "BYE", 2, &format!("z9hG4bK-bye-{index}"), "");
            }
            if index % 20 == 19 {
                std::thread::sleep(Duration::from_millis(20));
                self.poll();
            }
        }
        let start = Instant::now();
        while self.byes_answered < self.answered() && start.elapsed() < Duration::from_secs(3) {
            std::thread::sleep(Duration::from_millis(10));
            self.poll();
        }
    }

    fn received(&mut self, text: &str) {
        let Some(&index) = header(text, "Call-ID").and_then(|id| self.by_call_id.get(id)) else {
            return;
        };
        if text.starts_with("BYE ") {
            self.lost.push("BYE from the server".into());
            let kept: String = text
                .lines()
                .skip(1)
                .filter(|l| {
                    ["Via:", "From:", "To:", "Call-ID:", "CSeq:"]
                        .iter()
                        .any(|h| l.starts_with(h))
                })
                .map(|l| format!("{l}\r\n"))
                .collect();
            self.transmit(&format!(
                "SIP/2.0 200 OK\r\n{kept}Content-Length: 0\r\n\r\n"
            ));
            return;
        }
        let Some(code) = text
            .strip_prefix("SIP/2.0 ")
            .and_then(|t| t.get(..3)?.parse::<u16>().ok())
        else {
            return;
        };
        let method = header(text, "CSeq")
            .and_then(|c| c.split(' ').nth(1))
            .unwrap_or("");
        match (method, code) {
            ("INVITE", 100..=199) => self.dialogs[index].answered_by = true,
            ("INVITE", 200) => {
                let dialog = &mut self.dialogs[index];
                dialog.answered_by = true;
                if dialog.remote.is_none() {
                    dialog.set_up = Some(dialog.sent.elapsed());
                    dialog.to_tag = header(text, "To")
                        .and_then(|t| t.split(";tag=").nth(1))
                        .unwrap_or("")
                        .to_owned();
                    if let Some(contact) = header(text, "Contact") {
                        dialog.target = contact
                            .trim_matches(['<', '>'])
                            .split('>')
                            .next()
                            .unwrap_or("")
                            .to_owned();
                    }
                    dialog.remote = media_address(text);
                }
                self.send(index, "ACK", 1, &format!("z9hG4bK-ack-{index}"), "");
            }
            ("INVITE", _) => {
                let dialog = &mut self.dialogs[index];
                dialog.answered_by = true;
                dialog.to_tag = header(text, "To")
                    .and_then(|t| t.split(";tag=").nth(1))
                    .unwrap_or("")
                    .to_owned();
                self.lost.push(text.lines().next().unwrap_or("").to_owned());
                self.send(index, "ACK", 1, &format!("z9hG4bK-invite-{index}"), "");
            }
            ("BYE", _) => self.byes_answered += 1,
            _ => {}
        }
    }

    fn send_invite(&mut self, index: usize) {
        let port = self.dialogs[index].media_port;
        let body = format!(
            "v=0\r\no=load {index} 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
        );
        self.send(
            index,
            "INVITE",
            1,
            &format!("z9hG4bK-invite-{index}"),
            &body,
        );
    }

    fn send(&self, index: usize, method: &str, cseq: u32, branch: &str, body: &str) {
        let dialog = &self.dialogs[index];
        let local = self.socket.local_addr().expect("bound");
        let tag = if dialog.to_tag.is_empty() {
            String::new()
        } else {
            format!(";tag={}", dialog.to_tag)
        };
        let target = if cseq == 1 && method == "INVITE" {
            &dialog.uri
        } else {
            &dialog.target
        };
        let headers = if method == "INVITE" {
            dialog.headers
        } else {
            ""
        };
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        self.transmit(&format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {local};rport;branch={branch}\r\n\
             From: \"Caller {index}\" <sip:load@{local}>;tag=load{index}\r\nTo: <{uri}>{tag}\r\nCall-ID: {id}\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:load@{local}>\r\nMax-Forwards: 70\r\n{headers}{kind}Content-Length: {size}\r\n\r\n{body}",
            uri = dialog.uri,
            id = dialog.call_id,
            size = body.len(),
        ));
    }

    fn transmit(&self, message: &str) {
        let _ = self.socket.send_to(message.as_bytes(), self.server);
    }
}

fn header<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().take_while(|l| !l.is_empty()).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn media_address(text: &str) -> Option<SocketAddr> {
    let ip = text
        .lines()
        .find_map(|l| l.strip_prefix("c=IN IP4 "))?
        .trim();
    let port = text
        .lines()
        .find_map(|l| l.strip_prefix("m=audio "))?
        .split(' ')
        .next()?;
    format!("{ip}:{port}").parse().ok()
}
