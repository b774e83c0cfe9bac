//! Who this process is a member of, where nobody gave the client a name, and where its ledger goes.
//! Everything is decided from texts of `/proc`; whatever they say, the answer is a valid name.
#![forbid(unsafe_code)]

mod cgroup;
mod directory;
mod mounts;
#[cfg(test)]
mod tests;

pub use directory::{Candidates, Directory, directory, usual_directories};

/// What is known of a process.
#[derive(Clone, Copy, Default, Debug)]
pub struct Sources<'a> {
    /// `/proc/self/cgroup`.
    pub cgroup: &'a str,
    /// `/proc/self/mountinfo`.
    pub mountinfo: &'a str,
    pub uid: u32,
    /// `/proc/self/sessionid`: the login session. May be empty.
    pub session: &'a str,
    /// The leader of the process's session (`getsid`), where it is alive and can be seen.
    pub leader: Option<Process>,
    pub own: Process,
}

/// A process, told from all others since the machine was started: numbers are used again.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Process {
    pub pid: u32,
    /// In ticks, field 22 of `/proc/<pid>/stat`.
    pub start: u64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name {
    /// Fit for `CUOTA_CLIENT`.
    pub text: String,
    pub from: Origin,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    Pod,
    Container,
    /// A login session, or a session of processes.
    Session,
    /// This process alone: nothing else is known to belong to it.
    Process,
}

/// The name of the client that a process belongs to.
///
/// What runs in a pod is the pod; what runs in a container is the container. Containers that share
/// another's network have that one's files mounted, and are taken for it where the cgroup is hidden.
///
/// Outside of containers it is the user's login session. A service or a cron job may have none: then
/// it is the session of processes, which a shell, an init system and `setsid` start anew, told by its
/// leader. Where that one is gone too it is the process itself. Never the user alone: all that a user
/// runs on a machine would share one quota.
pub fn client_name(sources: &Sources) -> Name {
    let Sources { cgroup, mountinfo, uid, session, leader, own } = *sources;
    let pod = cgroup::pod(cgroup).or_else(|| mounts::pod(mountinfo));
    if let Some(pod) = pod {
        return Name { text: format!("pod-{pod}"), from: Origin::Pod };
    }
    let container = cgroup::container(cgroup).or_else(|| mounts::container(mountinfo));
    if let Some(container) = container {
        return Name { text: format!("ctr-{container}"), from: Origin::Container };
    }
    if let Some(session) = login(session) {
        return Name { text: format!("{uid}-{session}"), from: Origin::Session };
    }
    // 0 is what `getsid` says of a leader in another PID namespace.
    if let Some(Process { pid, start }) = leader.filter(|leader| leader.pid != 0) {
        return Name { text: format!("{uid}-s{pid}-{start}"), from: Origin::Session };
    }
    let Process { pid, start } = own;
    Name { text: format!("{uid}-p{pid}-{start}"), from: Origin::Process }
}

/// The number of a login session. The kernel says all ones where there is none.
fn login(text: &str) -> Option<u32> {
    text.trim_ascii().parse().ok().filter(|session| *session != u32::MAX)
}

/// A pod's UID, in the dashed form whatever a cgroup driver made of the dashes. A static pod's is a
/// hash without any.
fn pod_uid(text: &str) -> Option<String> {
    let uid = text.to_ascii_lowercase().replace('_', "-");
    let groups = uid.split('-').map(str::len);
    let shaped = groups.clone().eq([8, 4, 4, 4, 12]) || groups.eq([32]);
    (shaped && uid.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())).then_some(uid)
}

/// The first half of a container's id, 64 hexadecimal digits: enough to tell containers apart, and
/// short enough for a name.
fn container_id(text: &str) -> Option<String> {
    let hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.get(..32).filter(|_| hex).map(str::to_ascii_lowercase)
}
