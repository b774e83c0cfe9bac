//! What `/proc/self/mountinfo` tells where a cgroup namespace hides the rest: the kubelet and the
//! container runtimes mount files of their own into every container.
#![forbid(unsafe_code)]

use super::{container_id, pod_uid};

struct Mount<'a> {
    /// What is mounted, as a path inside its file system.
    root: &'a str,
    point: &'a str,
    source: &'a str,
}

fn mounts(text: &str) -> impl Iterator<Item = Mount<'_>> {
    text.lines().filter_map(|line| {
        let (mount, system) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        Some(Mount { root, point, source: system.split(' ').nth(1).unwrap_or_default() })
    })
}

/// The pod whose directory the kubelet's files come from. Its `/etc/hosts` and termination log are
/// sure signs. Any other mount is one as long as all name the same pod; those at a place that itself
/// names the pod are the kubelet's own, as a node sees them and all who have a view of the node.
pub fn pod(text: &str) -> Option<String> {
    let mut sole: Option<String> = None;
    let mut several = false;
    for mount in mounts(text) {
        let Some(uid) = mount.pod() else { continue };
        if matches!(mount.point, "/etc/hosts" | "/dev/termination-log") {
            return Some(uid);
        }
        if !mount.point.contains(&uid) {
            several |= sole.as_ref().is_some_and(|other| *other != uid);
            sole = Some(uid);
        }
    }
    sole.filter(|_| !several)
}

/// The container whose directory the runtime's files come from, as in
/// `/var/lib/docker/containers/<id>/hostname`.
pub fn container(text: &str) -> Option<String> {
    ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"].into_iter().find_map(|point| {
        let at_point = |mount: &Mount| mount.point == point;
        mounts(text).filter(at_point).find_map(|mount| mount.container())
    })
}

impl Mount<'_> {
    /// From `…/pods/<uid>/…`.
    fn pod(&self) -> Option<String> {
        [self.root, self.source].into_iter().find_map(|path| {
            let mut parts = path.split('/');
            while parts.any(|part| part == "pods") {
                let mut inside = parts.clone();
                if let (Some(uid), Some(_)) = (inside.next().and_then(pod_uid), inside.next()) {
                    return Some(uid);
                }
            }
            None
        })
    }

    fn container(&self) -> Option<String> {
        [self.root, self.source]
            .into_iter()
            .find_map(|path| path.rsplit('/').find_map(container_id))
    }
}
