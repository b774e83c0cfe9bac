//! Whether a pid is anybody's.

/// Nobody has that pid in our PID namespace, whoever may be looked at.
pub fn is_nobodys(pid: u64) -> bool {
    let Some(pid) = libc::pid_t::try_from(pid).ok().filter(|pid| *pid > 0) else { return true };
    // SAFETY: signal 0 is none: it is only asked whether there is a process.
    let there = unsafe { libc::kill(pid, 0) } == 0;
    !there && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_is_ours_and_the_highest_nobodys() {
        assert!(!is_nobodys(std::process::id().into()));
        assert!(is_nobodys(i32::MAX as u64) && is_nobodys(u64::MAX) && is_nobodys(0));
    }
}
