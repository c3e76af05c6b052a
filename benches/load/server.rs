//! A process under measurement: its start, its CPU time, its memory, its end.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// The core that the server runs on; the callers take the other one.
const SERVER_CORE: usize = 0;
const CALLER_CORE: usize = 1;
const APPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/load/apps");

/// Of an address that nobody else uses.
const SIP_PORT: u16 = 25060;
const HTTP_PORT: u16 = 28080;
/// Two a call, which rest for five seconds after it.
const RTP_PORTS: &str = "2000-31999";

/// A child that is ended when dropped.
pub struct Process {
    child: Child,
    /// First line that it printed.
    pub greeting: String,
    /// The address that the server has to itself.
    host: IpAddr,
    /// What the server keeps; it goes with it.
    folder: Option<PathBuf>,
}

impl Process {
    /// The echo server with `count` sockets.
    pub fn echo(count: usize) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|e| e.to_string())?;
        let mut command = Command::new(program);
        command
            .args(["serve-echo", &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        pin_child(&mut command);
        let mut child = command.spawn().map_err(|e| e.to_string())?;
        let mut greeting = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout)
            .read_line(&mut greeting)
            .map_err(|e| e.to_string())?;
        Ok(Self {
            child,
            greeting,
            host: Ipv4Addr::LOCALHOST.into(),
            folder: None,
        })
    }

    /// A SEMS server on loopback, with so many media threads; returns when it takes calls. `more_config`
    /// is added to its file.
    pub fn sems(program: &Path, workers: u32, more_config: &str) -> Result<Self, String> {
        let host = own_address();
        let folder = std::env::temp_dir().join(format!("sems-load-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
        let config = folder.join("sems.toml");
        let settings =
            format!("workers = {workers}\n[operator]\ntoken = \"load-test\"\n{more_config}");
        fs::write(&config, settings).map_err(|e| e.to_string())?;
        let log = fs::File::create(folder.join("sems.log")).map_err(|e| e.to_string())?;
        let mut command = Command::new(program);
        command
            .args(["run", "--host", &host.to_string()])
            .args(["--sip-port", &SIP_PORT.to_string()])
            .args(["--http-port", &HTTP_PORT.to_string()])
            .args(["--rtp-ports", RTP_PORTS])
            .args(["--data".as_ref(), folder.join("data").as_os_str()])
            .args(["--config".as_ref(), config.as_os_str()])
            .args(
                ["sleeper.py", "spinner.py", "answerer.py"]
                    .map(|script| Path::new(APPS).join(script)),
            )
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(|e| e.to_string())?)
            .stderr(log);
        // Several threads need several cores; the callers are on one of them.
        if workers < 2 {
            pin_child(&mut command);
        }
        let child = command
            .spawn()
            .map_err(|e| format!("cannot start {}: {e}", program.display()))?;
        let mut process = Self {
            child,
            greeting: String::new(),
            host,
            folder: Some(folder.clone()),
        };
        for _ in 0..200 {
            if process.get("/healthz").is_ok_and(|body| !body.is_empty()) {
                return Ok(process);
            }
            if let Ok(Some(status)) = process.child.try_wait() {
                let said = fs::read_to_string(folder.join("sems.log")).unwrap_or_default();
                return Err(format!("sems ended with {status}:\n{said}"));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err("sems takes no calls after ten seconds".into())
    }

    /// Where it takes calls.
    pub fn sip(&self) -> SocketAddr {
        SocketAddr::new(self.host, SIP_PORT)
    }

    /// CPU time of all its threads so far, in nanoseconds.
    pub fn cpu(&self) -> u64 {
        let Ok(tasks) = fs::read_dir(format!("/proc/{}/task", self.child.id())) else {
            return 0;
        };
        tasks
            .flatten()
            .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
            .filter_map(|line| line.split(' ').next()?.parse::<u64>().ok())
            .sum()
    }

    /// CPU time of each media thread so far, in milliseconds.
    pub fn media_cpu(&self) -> Vec<u64> {
        let Ok(tasks) = fs::read_dir(format!("/proc/{}/task", self.child.id())) else {
            return Vec::new();
        };
        let media = tasks.flatten().filter(|task| {
            let name = fs::read_to_string(task.path().join("comm"));
            name.is_ok_and(|name| name.starts_with("sems-media-"))
        });
        media
            .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
            .filter_map(|line| line.split(' ').next()?.parse::<u64>().ok())
            .map(|time| time / 1_000_000)
            .collect()
    }

    /// Resident memory in KiB.
    pub fn memory(&self) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        status
            .lines()
            .find_map(|line| {
                line.strip_prefix("VmRSS:")?
                    .trim()
                    .trim_end_matches(" kB")
                    .parse()
                    .ok()
            })
            .unwrap_or(0)
    }

    /// A counter of the server, by its name in the operator's statistics.
    pub fn counter(&self, name: &str) -> u64 {
        let body = self.get("/api/v1/stats").unwrap_or_default();
        let Some(at) = body.find(&format!("\"{name}\":")) else {
            return 0;
        };
        let digits: String = body[at + name.len() + 3..]
            .trim_start()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        digits.parse().unwrap_or(0)
    }

    fn get(&self, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((self.host, HTTP_PORT))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer load-test\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let ok = answer.starts_with("HTTP/1.1 200");
        Ok(if ok {
            answer.split("\r\n\r\n").nth(1).unwrap_or("").to_owned()
        } else {
            String::new()
        })
    }

    /// Ends it, in five seconds at most.
    fn end(&mut self) {
        // SAFETY: the child is ours and not yet waited for.
        unsafe { libc::kill(self.child.id() as i32, libc::SIGINT) };
        for _ in 0..100 {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// An address of loopback that belongs to this process alone, so that several can measure at a
/// time without a port of one being in another's way.
fn own_address() -> IpAddr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 128 | high, middle, low).into()
}

/// Keeps the callers off the server's core.
pub fn pin_callers() {
    pin(CALLER_CORE);
}

fn pin_child(command: &mut Command) {
    // SAFETY: only async-signal-safe calls between fork and exec.
    unsafe {
        command.pre_exec(|| {
            pin(SERVER_CORE);
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        })
    };
}

fn pin(core: usize) {
    // SAFETY: `set` is valid for reading; on a machine with one core the call fails without harm.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set);
    }
}

/// Thousands of calls need thousands of sockets.
pub fn raise_open_files() {
    // SAFETY: `limit` is valid for both calls.
    unsafe {
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
    }
}
