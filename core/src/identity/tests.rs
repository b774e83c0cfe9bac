use std::path::{Path, PathBuf};

use super::*;
use crate::config::is_client_name;

const POD: &str = "6e5b8f0c-93a1-4f27-b1d0-2c7e9a4d5f31";
const OTHER: &str = "00000000-93a1-4f27-b1d0-2c7e9a4d5f31";
const STATIC: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a0";
const ID: &str = "c0ffee00d15ea5e0123456789abcdef0fedcba9876543210a1b2c3d4e5f60718";
const PRIVATE: &str = "0::/\n";

fn named(sources: &Sources) -> (String, Origin) {
    let Name { text, from } = client_name(sources);
    assert!(is_client_name(&text), "{text}");
    (text, from)
}

fn by_cgroup(text: &str) -> (String, Origin) {
    named(&Sources { cgroup: text, mountinfo: HOST, session: "4", ..Sources::default() })
}

fn by_mounts(text: &str) -> (String, Origin) {
    let mountinfo = &format!("{HOST}{text}");
    named(&Sources { cgroup: PRIVATE, mountinfo, session: "4", ..Sources::default() })
}

fn pod(uid: &str) -> (String, Origin) {
    (format!("pod-{uid}"), Origin::Pod)
}

fn container() -> (String, Origin) {
    ("ctr-c0ffee00d15ea5e0123456789abcdef0".into(), Origin::Container)
}

fn neither() -> (String, Origin) {
    ("0-4".into(), Origin::Session)
}

const HOST: &str = "\
22 28 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
28 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw,errors=remount-ro
33 28 0:27 / /run rw,nosuid,nodev shared:5 - tmpfs tmpfs rw,size=6571372k,mode=755
";

#[test]
fn pods_by_cgroup() {
    let slice = POD.replace('-', "_");
    let paths = [
        format!(
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{slice}.slice/cri-containerd-{ID}.scope"
        ),
        format!("/kubepods.slice/kubepods-pod{slice}.slice/crio-{ID}.scope"),
        format!(
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{slice}.slice/docker-{ID}.scope"
        ),
        format!("/kubepods/burstable/pod{POD}/{ID}"),
        format!("/kubepods/pod{POD}/{ID}"),
        format!("/kubepods/besteffort/pod{POD}"),
        // A namespace that begins beside the pod, and a pod in a container (kind).
        format!("/../../kubepods-burstable-pod{slice}.slice/cri-containerd-{ID}.scope"),
        format!(
            "/docker/{ID}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{slice}.slice/cri-containerd-{ID}.scope"
        ),
        // A runtime that took systemd's triple for a path.
        format!(
            "/system.slice/containerd.service/kubepods-burstable-pod{slice}.slice:cri-containerd:{ID}"
        ),
        // Where pods run pods of their own, the inner one.
        format!("/kubepods/burstable/pod{OTHER}/{ID}/kubepods/burstable/pod{POD}/{ID}"),
    ];
    for path in paths {
        assert_eq!(by_cgroup(&format!("0::{path}\n")), pod(POD), "{path}");
        let v1 = format!(
            "12:memory:{path}\n11:cpu,cpuacct:{path}\n1:name=systemd:{path}\n0::/system.slice\n"
        );
        assert_eq!(by_cgroup(&v1), pod(POD), "{path}");
    }
    let path = format!("0::/kubepods.slice/kubepods-pod{STATIC}.slice/crio-{ID}.scope\n");
    assert_eq!(by_cgroup(&path), pod(STATIC));
}

#[test]
fn containers_by_cgroup() {
    let paths = [
        format!("/system.slice/docker-{ID}.scope"),
        format!("/docker/{ID}"),
        format!("/docker/{ID}/init"),
        format!("/system.slice/cri-containerd-{ID}.scope"),
        format!("/system.slice/crio-{ID}.scope"),
        format!("/machine.slice/libpod-{ID}.scope"),
        format!(
            "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container"
        ),
        format!("/system.slice:docker:{ID}"),
        format!("/default/{ID}"),
        format!("/docker/{}", ID.to_uppercase()),
        format!("/docker/{}/docker/{ID}", ID.replace('c', "d")),
    ];
    for path in paths {
        assert_eq!(by_cgroup(&format!("0::{path}\n")), container(), "{path}");
        assert_eq!(by_cgroup(&format!("9:devices:{path}\n0::/\n")), container(), "{path}");
    }
}

#[test]
fn cgroups_that_are_neither() {
    let paths = [
        "/user.slice/user-1000.slice/session-4.scope",
        "/system.slice/cron.service",
        "/kubepods.slice",
        "/kubepods/burstable/podman",
        &format!("/pod{POD}"),
        &format!("/kubepods/xpod{POD}"),
        &format!("/kubepods/pod{POD}0"),
        &format!("/docker/{ID}0"),
        "",
    ];
    for path in paths {
        assert_eq!(by_cgroup(&format!("0::{path}\n")), neither(), "{path}");
    }
}

#[test]
fn pods_by_mounts() {
    let mounts = [
        format!(
            "616 605 254:1 /var/lib/kubelet/pods/{POD}/etc-hosts /etc/hosts rw,relatime - ext4 /dev/vda1 rw\n"
        ),
        // The kubelet's directory on a file system of its own.
        format!(
            "616 605 254:1 /pods/{POD}/etc-hosts /etc/hosts rw,relatime master:9 - xfs /dev/vdb rw\n"
        ),
        format!(
            "617 606 254:1 /var/lib/kubelet/pods/{POD}/containers/main/5d1b2c3a /dev/termination-log rw,relatime - ext4 /dev/vda1 rw\n"
        ),
        format!(
            "618 605 254:1 /var/lib/kubelet/pods/{POD}/volumes/kubernetes.io~empty-dir/a /a rw - ext4 /dev/vda1 rw\n"
        ),
        format!("619 605 0:99 / /etc/hosts rw - 9p /var/lib/kubelet/pods/{POD}/etc-hosts rw\n"),
        format!(
            "620 605 0:99 /data/pods/1/pods/{POD}/etc-hosts /etc/hosts rw - ext4 /dev/vda1 rw\n"
        ),
    ];
    for mount in &mounts {
        assert_eq!(by_mounts(mount), pod(POD), "{mount}");
        // Beside a container's id, and a view of another pod's directory.
        let more = format!(
            "615 605 254:1 /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/{ID}/hostname /etc/hostname rw - ext4 /dev/vda1 rw
700 605 254:1 /var/lib/kubelet/pods/{OTHER}/volumes/a/b /host/var/lib/kubelet/pods/{OTHER}/volume-subpaths/a/b/0 rw - ext4 /dev/vda1 rw
{mount}"
        );
        assert_eq!(by_mounts(&more), pod(POD), "{mount}");
    }
    // The hosts file decides between several.
    let several = mounts[3].replace(POD, OTHER) + &mounts[0];
    assert_eq!(by_mounts(&several), pod(POD));
    let undecided = mounts[3].replace(POD, OTHER) + &mounts[3] + &mounts[3];
    assert_eq!(by_mounts(&undecided), neither());
}

#[test]
fn containers_by_mounts() {
    let roots = [
        format!("/var/lib/docker/containers/{ID}/hostname"),
        format!("/docker/containers/{ID}/hostname"),
        format!("/containers/overlay-containers/{ID}/userdata/hostname"),
        format!("/var/lib/nerdctl/1935db59/containers/default/{ID}/hostname"),
        format!("/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/{ID}/hostname"),
    ];
    for root in roots {
        for point in ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"] {
            let mount = format!("1500 1400 8:1 {root} {point} rw,relatime - ext4 /dev/sda1 rw\n");
            assert_eq!(by_mounts(&mount), container(), "{mount}");
        }
    }
}

#[test]
fn mounts_that_are_neither() {
    let mounts = [
        // A node's own view of its pods and containers.
        format!(
            "900 28 0:80 / /var/lib/kubelet/pods/{POD}/volumes/kubernetes.io~projected/token rw shared:9 - tmpfs tmpfs rw"
        ),
        format!(
            "901 28 254:1 /var/lib/kubelet/pods/{POD}/volumes/a /var/lib/kubelet/pods/{POD}/volume-subpaths/a rw shared:9 - ext4 /dev/vda1 rw"
        ),
        format!(
            "902 28 0:70 / /var/lib/docker/containers/{ID}/mounts/shm rw shared:8 - tmpfs shm rw"
        ),
        format!("903 28 254:1 /pods/{POD} /mnt rw - ext4 /dev/vda1 rw"),
        format!("904 28 254:1 /pods/{POD}/etc-hosts"),
        "905 28 254:1 /etc/hosts /etc/hosts rw - ext4 /dev/vda1 rw".to_owned(),
        " - ".to_owned(),
    ];
    for mount in mounts {
        assert_eq!(by_mounts(&format!("{mount}\n")), neither(), "{mount}");
    }
}

#[test]
fn outside_of_containers() {
    let leader = Some(Process { pid: 812, start: 99_001 });
    let own = Process { pid: 900, start: 99_500 };
    let sources =
        Sources { cgroup: PRIVATE, uid: 1000, session: "17\n", leader, own, mountinfo: HOST };
    assert_eq!(named(&sources), ("1000-17".into(), Origin::Session));
    for none in ["", "\n", "4294967295", "4294967295\n", "-1", "a/b", "1 2", "99999999999"] {
        let sources = Sources { session: none, ..sources };
        assert_eq!(named(&sources), ("1000-s812-99001".into(), Origin::Session));
        let alone = ("1000-p900-99500".into(), Origin::Process);
        assert_eq!(named(&Sources { leader: None, ..sources }), alone);
        let outside = Some(Process { pid: 0, start: 0 });
        assert_eq!(named(&Sources { leader: outside, ..sources }), alone);
    }
    let largest = Process { pid: u32::MAX, start: u64::MAX };
    named(&Sources { uid: u32::MAX, own: largest, ..Sources::default() });
}

#[test]
fn directories() {
    let nothing = Candidates {
        explicit: None,
        shared_is_writable: false,
        runtime: None,
        uid: 1000,
        in_container: false,
    };
    let runtime = Some(Path::new("/run/user/1000"));
    let cases = [
        (nothing, "/tmp/cuota-1000", true),
        (Candidates { runtime, ..nothing }, "/run/user/1000/cuota", true),
        (Candidates { runtime: Some(Path::new("x")), ..nothing }, "/tmp/cuota-1000", true),
        (Candidates { runtime: Some(Path::new("")), ..nothing }, "/tmp/cuota-1000", true),
        (Candidates { runtime, shared_is_writable: true, ..nothing }, "/run/cuota", false),
        (
            Candidates { explicit: Some(Path::new("/x")), shared_is_writable: true, ..nothing },
            "/x",
            false,
        ),
    ];
    for (candidates, path, private) in cases {
        let answer = Directory { path: path.into(), private: false };
        assert_eq!(directory(&candidates), answer);
        let inside = Candidates { in_container: true, ..candidates };
        assert_eq!(directory(&inside), Directory { private, ..answer });
    }
}

#[test]
fn what_is_chosen_is_among_the_usual_places() {
    let runtime = Some(Path::new("/run/user/7"));
    let usual = usual_directories(runtime, 7);
    assert_eq!(usual, ["/run/cuota", "/run/user/7/cuota", "/tmp/cuota-7"].map(PathBuf::from));
    for (shared_is_writable, runtime) in [(true, runtime), (false, runtime), (false, None)] {
        let candidates =
            Candidates { explicit: None, shared_is_writable, runtime, uid: 7, in_container: false };
        assert!(usual.contains(&directory(&candidates).path));
    }
    assert_eq!(usual_directories(Some(Path::new("run")), 7).len(), 2);
}
