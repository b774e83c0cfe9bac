//! What `/proc/self/cgroup` tells. The part of a path furthest in counts: pods run in pods, and
//! containers in containers.
#![forbid(unsafe_code)]

use super::{container_id, pod_uid};

/// The pod, from `…/kubepods/burstable/pod<uid>/…` or
/// `…/kubepods-burstable-pod<uid>.slice/…`.
pub fn pod(text: &str) -> Option<String> {
    paths(text)
        .filter(|path| path.contains("kubepods"))
        .find_map(|path| path.rsplit('/').find_map(pod_of_part))
}

fn pod_of_part(part: &str) -> Option<String> {
    // The systemd triple `<slice>:<prefix>:<id>` is a part as it is where it was not understood.
    let slice = part.split(':').next()?;
    let slice = slice.strip_suffix(".slice").unwrap_or(slice);
    let (before, uid) = slice.rsplit_once("pod")?;
    (before.is_empty() || before.ends_with('-')).then(|| pod_uid(uid)).flatten()
}

/// The container, from `…/<id>`, `…/<runtime>-<id>.scope` or `…:<runtime>:<id>`.
pub fn container(text: &str) -> Option<String> {
    paths(text).find_map(|path| path.rsplit('/').find_map(container_of_part))
}

fn container_of_part(part: &str) -> Option<String> {
    let scope = part.strip_suffix(".scope").unwrap_or(part);
    container_id(scope.rsplit(['-', ':']).next()?)
}

/// The paths of all hierarchies: `<number>:<controllers>:<path>`.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.splitn(3, ':').nth(2))
}
