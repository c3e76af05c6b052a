//! What the process may have of the machine.

use std::{fs, io};

/// Sockets of one call: RTP and RTCP.
const FILES_OF_A_CALL: u64 = 2;
/// What everything else takes: SIP listeners, pages, prompts, recordings, storage.
const FILES_OF_THE_REST: u64 = 256;

/// Raises the number of files that may be open as far as the system lets us (its hard limit).
/// Returns what the operator should know if `calls` calls don't fit into it.
pub fn raise_open_files(calls: usize) -> Option<String> {
    let limit = match raise() {
        Ok(limit) => limit,
        Err(error) => {
            let why = crate::error::reason(&error);
            return Some(format!("the limit of open files can't be raised: {why}"));
        }
    };
    let possible = calls_within(limit);
    (possible < calls as u64).then(|| {
        format!(
            "{limit} files may be open, enough for {possible} calls, and {calls} are allowed: raise the one \
             (LimitNOFILE of systemd, ulimit -Hn) or lower the other ([limits] max_calls)"
        )
    })
}

/// What the operator should know if the system gives ports of the range `low` to `high` to others,
/// so that a call may not get the port that it was to have.
pub fn ephemeral_overlap((low, high): (u16, u16)) -> Option<String> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut bounds = text.split_whitespace().map(str::parse::<u16>);
    let (first, last) = (bounds.next()?.ok()?, bounds.next()?.ok()?);
    (low <= last && first <= high).then(|| {
        format!("RTP ports {low}-{high} overlap those that the system gives away, {first}-{last}")
    })
}

/// For how many calls files may be open as it is.
pub(crate) fn calls_possible() -> Option<usize> {
    let limit = open_files().ok()?;
    usize::try_from(calls_within(limit.rlim_cur)).ok()
}

fn calls_within(files: u64) -> u64 {
    files.saturating_sub(FILES_OF_THE_REST) / FILES_OF_A_CALL
}

fn open_files() -> io::Result<libc::rlimit> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the structure is ours and outlives the call.
    match unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } {
        0 => Ok(limit),
        _ => Err(io::Error::last_os_error()),
    }
}

fn raise() -> io::Result<u64> {
    let mut limit = open_files()?;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: as above; the kernel only reads it.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(limit.rlim_cur)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_to_what_the_system_allows() {
        assert_eq!(raise_open_files(1), None);
        let raised = raise().unwrap();
        let wanted = (raised / FILES_OF_A_CALL) as usize;
        let notice = raise_open_files(wanted).unwrap();
        assert!(notice.starts_with(&format!("{raised} files may be open")));
    }
}
