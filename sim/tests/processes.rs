//! What needs a process of its own: variables read by `cuInit`, forks, faults, deaths, neighbours.

mod common;

use std::fs;
use std::os::unix::process::ExitStatusExt;

use common::{Folder, Library, at, child, passes};

fn context() -> (Library, usize) {
    let cuda = Library::cuda();
    assert_eq!(cuda.call("cuInit", [0]), 0);
    let mut context = 0;
    assert_eq!(cuda.call("cuCtxCreate_v2", [at(&mut context), 0, 0]), 0);
    (cuda, context)
}

fn flags(cuda: &Library) -> u32 {
    cuda.call("cuCtxGetFlags", [at(&mut 0u32)])
}

#[test]
fn nothing_works_before_init_or_after_fork() {
    passes("uninitialised_and_forked", &[]);
}

#[test]
#[ignore = "a child"]
fn uninitialised_and_forked() {
    let cuda = Library::cuda();
    let mut count = 0i32;
    assert_eq!(cuda.call("cuDeviceGetCount", [at(&mut count)]), 3);
    assert_eq!(cuda.call("cuCtxGetCurrent", [at(&mut 0usize)]), 3);
    assert_eq!(cuda.call("cuInit", [0]), 0);
    assert_eq!(cuda.call("cuDeviceGetCount", [at(&mut count)]), 0);
    assert_eq!(count, 1);
    // SAFETY: the child calls the driver, which refuses at once, and leaves.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let refused =
            cuda.call("cuDeviceGetCount", [at(&mut count)]) == 3 && cuda.call("cuInit", [0]) == 3;
        // SAFETY: ends the child without running the parent's exit handlers.
        unsafe { libc::_exit(if refused { 0 } else { 1 }) };
    }
    let mut status = 1;
    // SAFETY: waits for the child just made.
    unsafe { libc::waitpid(pid, &mut status, 0) };
    assert_eq!(status, 0);
    assert_eq!(cuda.call("cuDeviceGetCount", [at(&mut count)]), 0);
}

#[test]
fn the_mask() {
    passes("sees", &[("CUOTA_SIM_CARDS", "3"), ("SEES", "0,1,2")]);
    passes(
        "sees",
        &[("CUOTA_SIM_CARDS", "3"), ("CUDA_VISIBLE_DEVICES", "2,0,9,1"), ("SEES", "2,0")],
    );
    let third = "GPU-63756f74-6173-696d-0000-000000000003";
    passes("sees", &[("CUOTA_SIM_CARDS", "3"), ("CUDA_VISIBLE_DEVICES", third), ("SEES", "2")]);
    for nothing in ["", "-1", "0,0", "GPU-ffff"] {
        passes(
            "sees",
            &[("CUOTA_SIM_CARDS", "3"), ("CUDA_VISIBLE_DEVICES", nothing), ("SEES", "")],
        );
    }
    passes("sees", &[("CUOTA_SIM_CARDS", "0"), ("SEES", "")]);
}

#[test]
#[ignore = "a child"]
fn sees() {
    let expected = std::env::var("SEES").unwrap();
    let cuda = Library::cuda();
    if expected.is_empty() {
        assert_eq!(cuda.call("cuInit", [0]), 100);
        return;
    }
    assert_eq!(cuda.call("cuInit", [0]), 0);
    let mut count = 0i32;
    assert_eq!(cuda.call("cuDeviceGetCount", [at(&mut count)]), 0);
    let mut seen = Vec::new();
    for device in 0..count as usize {
        let mut uuid = [0u8; 16];
        assert_eq!(cuda.call("cuDeviceGetUuid", [at(&mut uuid), device]), 0);
        seen.push((uuid[15] - 1).to_string());
    }
    assert_eq!(seen.join(","), expected);
}

#[test]
fn peers() {
    passes("two_cards_reach_each_other", &[("CUOTA_SIM_CARDS", "2")]);
}

#[test]
#[ignore = "a child"]
fn two_cards_reach_each_other() {
    let (cuda, first) = context();
    let (mut second, mut value) = (0, 0i32);
    assert_eq!(cuda.call("cuCtxCreate_v2", [at(&mut second), 0, 1]), 0);
    assert_eq!(cuda.call("cuDeviceCanAccessPeer", [at(&mut value), 0, 1]), 0);
    assert_eq!(value, 1);
    assert_eq!(cuda.call("cuDeviceCanAccessPeer", [at(&mut value), 1, 1]), 0);
    assert_eq!(value, 0);
    assert_eq!(cuda.call("cuDeviceGetP2PAttribute", [at(&mut value), 2, 0, 0]), 101);
    assert_eq!(cuda.call("cuDeviceGetP2PAttribute", [at(&mut value), 9, 0, 1]), 1);
    assert_eq!(cuda.call("cuCtxEnablePeerAccess", [second, 0]), 201);
    assert_eq!(cuda.call("cuCtxEnablePeerAccess", [first, 1]), 1);
    assert_eq!(cuda.call("cuCtxDisablePeerAccess", [first]), 705);
    assert_eq!(cuda.call("cuCtxEnablePeerAccess", [first, 0]), 0);
    assert_eq!(cuda.call("cuCtxEnablePeerAccess", [first, 0]), 704);
    assert_eq!(cuda.call("cuCtxDisablePeerAccess", [first]), 0);
    let mut bus = [0u8; 16];
    assert_eq!(cuda.call("cuDeviceGetPCIBusId", [at(&mut bus), 16, 1]), 0);
    let mut device = 9i32;
    assert_eq!(cuda.call("cuDeviceGetByPCIBusId", [at(&mut device), at(&mut bus)]), 0);
    assert_eq!(device, 1);
}

#[test]
fn faults_on_request() {
    passes("second_get_flags_is_refused", &[("CUOTA_SIM_FAULT", "cuCtxGetFlags:2=2")]);
    passes("lost_after_get_flags", &[("CUOTA_SIM_FAULT", "cuCtxGetFlags:1=fault")]);
    let dead = child("second_get_flags_is_refused", &[("CUOTA_SIM_FAULT", "cuCtxGetFlags:1=die")]);
    assert_eq!(dead.status.signal(), Some(9));
    let slow = [("CUOTA_SIM_FAULT", "cuInit:*=sleep:1ms,cuCtxGetFlags:2=2")];
    passes("second_get_flags_is_refused", &slow);
}

#[test]
#[ignore = "a child"]
fn second_get_flags_is_refused() {
    let (cuda, _) = context();
    assert_eq!([flags(&cuda), flags(&cuda), flags(&cuda)], [0, 2, 0]);
}

#[test]
#[ignore = "a child"]
fn lost_after_get_flags() {
    let (cuda, lost) = context();
    assert_eq!([flags(&cuda), flags(&cuda)], [0, 700]);
    assert_eq!(cuda.call("cuCtxSetLimit", [0, 4096]), 700);
    let mut other = 0;
    assert_eq!(cuda.call("cuCtxCreate_v2", [at(&mut other), 0, 0]), 0);
    assert_eq!(flags(&cuda), 0, "another context is unharmed");
    assert_eq!(cuda.call("cuCtxDestroy_v2", [lost]), 700);
    assert_eq!(cuda.call("cuCtxDestroy_v2", [lost]), 201);
}

#[test]
fn under_mps() {
    let mps = ("CUOTA_SIM_MPS", "1");
    passes("shows_sms", &[("SMS", "132")]);
    passes("shows_sms", &[mps, ("SMS", "132")]);
    passes("shows_sms", &[mps, ("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", "30"), ("SMS", "38")]);
    passes("shows_sms", &[("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", "30"), ("SMS", "132")]);
    for (variable, trouble, answer) in
        [("1", "fault", "700"), ("0", "fault", "0"), ("1", "server", "806"), ("0", "server", "0")]
    {
        let machine = Folder::new();
        let variables = [
            ("CUOTA_SIM", machine.text()),
            ("CUOTA_SIM_MPS", variable),
            ("TROUBLE", trouble),
            ("ANSWER", answer),
        ];
        passes("a_neighbour_faults", &variables);
    }
}

#[test]
#[ignore = "a child"]
fn shows_sms() {
    let (cuda, _) = context();
    let mut value = 0i32;
    assert_eq!(cuda.call("cuDeviceGetAttribute", [at(&mut value), 16, 0]), 0);
    assert_eq!(value.to_string(), std::env::var("SMS").unwrap());
    let enabled = std::env::var("CUOTA_SIM_MPS").is_ok();
    assert_eq!(cuda.call("cuDeviceGetAttribute", [at(&mut value), 133, 0]), 0);
    assert_eq!(value, i32::from(enabled));
}

#[test]
fn sms_are_given_some_at_a_time() {
    let mps = ("CUOTA_SIM_MPS", "1");
    for (arch, share, sms) in [
        ("sm_90:132:4", "30", "36"),
        ("sm_90:132:8", "30", "32"),
        ("sm_90:131:7", "50", "63"),
        ("sm_90:132:8", "1", "8"),
        ("sm_90:132:8", "100", "132"),
    ] {
        let share = ("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", share);
        passes("shows_sms", &[mps, ("CUOTA_SIM_ARCH", arch), share, ("SMS", sms)]);
    }
}

const PER_CONTEXT: (&str, &str) =
    ("CUDA_MPS_ENABLE_PER_CTX_DEVICE_MULTIPROCESSOR_PARTITIONING", "1");

#[test]
fn a_context_has_a_number_of_sms_where_mps_is_told_to() {
    let (mps, eight) = (("CUOTA_SIM_MPS", "1"), ("CUOTA_SIM_ARCH", "sm_90:132:8"));
    let half = ("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", "50");
    for (variables, wants, answer) in [
        (&[mps, PER_CONTEXT][..], "41", "0 42"),
        (&[mps, PER_CONTEXT, eight], "41", "0 48"),
        (&[mps, PER_CONTEXT, eight], "1", "0 8"),
        (&[mps, PER_CONTEXT, half], "100", "0 66"),
        (&[mps, PER_CONTEXT], "500", "0 132"),
        (&[mps], "41", "224"),
        (&[PER_CONTEXT], "41", "224"),
    ] {
        let more = [("WANTS", wants), ("ANSWER", answer)];
        passes("makes_a_context_of_its_own_size", &[variables, &more].concat());
    }
}

#[test]
#[ignore = "a child"]
fn makes_a_context_of_its_own_size() {
    let (cuda, _) = context();
    let [wants, answer] = ["WANTS", "ANSWER"].map(|name| std::env::var(name).unwrap());
    let affinity: [u32; 2] = [0, wants.parse().unwrap()];
    let (mut context, mut support) = (0usize, 7i32);
    let args = [at(&mut context), affinity.as_ptr() as usize, 1, 0, 0];
    let made = cuda.call("cuCtxCreate_v3", args);
    assert_eq!(cuda.call("cuDeviceGetExecAffinitySupport", [at(&mut support), 0, 0]), 0);
    assert_eq!(support, i32::from(made == 0));
    let mut has = [9u32; 2];
    let text = if made == 0 {
        assert_eq!(cuda.call("cuCtxGetExecAffinity", [at(&mut has), 0]), 0);
        format!("0 {}", has[1])
    } else {
        made.to_string()
    };
    assert_eq!(text, answer);
}

#[test]
fn a_daemon_with_partitions_takes_who_has_one() {
    const CARD: &str = "GPU-63756f74-6173-696d-0000-000000000001";
    let table = format!("{CARD}/1=32,{CARD}/2=64,GPU-another/1=8");
    let table = ("CUOTA_SIM_MPS_PARTITIONS", &*table);
    let [first, second, third] = [1, 2, 3].map(|id| format!("{CARD}/{id}"));
    fn wants(name: &str) -> (&str, &str) {
        ("CUDA_MPS_SM_PARTITION", name)
    }
    let (mps, half) = (("CUOTA_SIM_MPS", "1"), ("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", "50"));
    passes("shows_sms", &[mps, table, wants(&first), ("SMS", "32")]);
    passes("shows_sms", &[mps, table, wants(&second), half, ("SMS", "64")]);
    passes("shows_sms", &[mps, table, wants("GPU-another/1"), half, ("SMS", "132")]);
    passes("shows_sms", &[mps, wants(&first), half, ("SMS", "66")]);
    passes("shows_sms", &[table, ("SMS", "132")]);
    for variables in [&[mps, table][..], &[mps, table, wants(&third)]] {
        passes("cannot_connect", variables);
    }
}

#[test]
#[ignore = "a child"]
fn cannot_connect() {
    let cuda = Library::cuda();
    assert_eq!(cuda.call("cuInit", [0]), 805);
}

#[test]
#[ignore = "a child"]
fn a_neighbour_faults() {
    let (cuda, _) = context();
    assert_eq!(flags(&cuda), 0);
    let [machine, mps] = ["CUOTA_SIM", "CUOTA_SIM_MPS"].map(|name| std::env::var(name).unwrap());
    let [trouble, answer] = ["TROUBLE", "ANSWER"].map(|name| std::env::var(name).unwrap());
    let plan = format!("cuCtxGetFlags:1={trouble}");
    // Whose kernel faulted is lost in any case; without MPS there is no server to die.
    let own = if trouble == "fault" { "700" } else { &answer };
    let variables = [
        ("CUOTA_SIM", &*machine),
        ("CUOTA_SIM_MPS", &mps),
        ("CUOTA_SIM_FAULT", &plan),
        ("ANSWER", own),
    ];
    passes("lost_once", &variables);
    assert_eq!(flags(&cuda).to_string(), answer);
    // The server takes nothing new while one lives whom a fault has reached; else whoever comes later is
    // not touched by what was before.
    let mut fresh = 0;
    let made = cuda.call("cuCtxCreate_v2", [at(&mut fresh), 0, 0]);
    if mps == "1" && trouble == "fault" {
        assert_eq!(made, 807);
    } else {
        assert_eq!((made, flags(&cuda)), (0, 0));
    }
}

#[test]
#[ignore = "a child"]
fn lost_once() {
    let (cuda, _) = context();
    let answer = std::env::var("ANSWER").unwrap().parse().unwrap();
    assert_eq!([flags(&cuda), flags(&cuda)], [0, answer]);
}

#[test]
fn calls_are_counted_in_all_processes() {
    let machine = Folder::new();
    for _ in 0..3 {
        passes("three_get_flags", &[("CUOTA_SIM", machine.text())]);
    }
    let names = fs::read_to_string(machine.0.join("names")).unwrap();
    let counts = fs::read(machine.0.join("calls")).unwrap();
    let of = |name: &str| {
        let line = names.lines().position(|line| line == name).unwrap();
        u64::from_le_bytes(counts[line * 8..][..8].try_into().unwrap())
    };
    assert_eq!((of("cuInit"), of("cuCtxGetFlags"), of("cuVDPAUCtxCreate")), (3, 9, 3));
    assert!(names.lines().is_sorted());
}

#[test]
#[ignore = "a child"]
fn three_get_flags() {
    let (cuda, _) = context();
    assert_eq!([flags(&cuda), flags(&cuda), flags(&cuda)], [0; 3]);
    assert_eq!(cuda.call("cuVDPAUCtxCreate", []), 801);
}

#[test]
fn an_mps_server_has_places_for_so_many() {
    let set = [("CUOTA_SIM_MPS", "1"), ("CUOTA_SIM_MPS_CLIENTS", "2"), ("MOST", "2")];
    passes("makes_contexts", &set);
    passes("makes_contexts", &[("CUOTA_SIM_MPS", "1"), ("MOST", "60")]);
    let old = [("CUOTA_SIM_MPS", "1"), ("CUOTA_SIM_ARCH", "sm_60"), ("MOST", "16")];
    passes("makes_contexts", &old);
}

#[test]
#[ignore = "a child"]
fn makes_contexts() {
    let (cuda, first) = context();
    let most: u32 = std::env::var("MOST").unwrap().parse().unwrap();
    let make = || cuda.call("cuCtxCreate_v2", [at(&mut 0usize), 0, 0]);
    for _ in 1..most {
        assert_eq!(make(), 0);
    }
    assert_eq!(make(), 808);
    assert_eq!(cuda.call("cuCtxDestroy_v2", [first]), 0);
    assert_eq!(make(), 0);
}
