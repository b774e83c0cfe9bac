//! The management library beside the driver: whole cards and every process.

mod common;

use common::{Folder, Library, at, passes};

const INSUFFICIENT_SIZE: u32 = 7;

#[test]
fn one_card() {
    let machine = Folder::new();
    passes("asks_everything", &[("CUOTA_SIM", machine.text()), ("CUOTA_SIM_BYTES", "8GiB")]);
    let mps = [("CUOTA_SIM", machine.text()), ("CUOTA_SIM_MPS", "1")];
    passes("mps_clients_have_their_own_list", &mps);
}

fn handle(nvml: &Library) -> usize {
    let mut card = 0;
    assert_eq!(nvml.call("nvmlDeviceGetHandleByIndex_v2", [0, at(&mut card)]), 0);
    card
}

fn text(nvml: &Library, name: &str, card: usize) -> String {
    let mut buffer = [0u8; 96];
    assert_eq!(nvml.call(name, [card, at(&mut buffer), 96]), 0);
    let end = buffer.iter().position(|byte| *byte == 0).unwrap();
    String::from_utf8_lossy(&buffer[..end]).into_owned()
}

/// Pids of a process list whose items have so many words.
fn pids(nvml: &Library, list: &str, card: usize, words: usize) -> Vec<u32> {
    let mut count = 0u32;
    let wanted = nvml.call(list, [card, at(&mut count), 0]);
    assert_eq!(wanted, if count == 0 { 0 } else { INSUFFICIENT_SIZE });
    let mut items = vec![0u32; count as usize * words];
    assert_eq!(nvml.call(list, [card, at(&mut count), items.as_mut_ptr() as usize]), 0);
    items.chunks(words).map(|item| item[0]).collect()
}

fn with_context() -> (Library, usize) {
    let cuda = Library::cuda();
    assert_eq!(cuda.call("cuInit", [0]), 0);
    let mut context = 0;
    assert_eq!(cuda.call("cuCtxCreate_v2", [at(&mut context), 0, 0]), 0);
    (cuda, context)
}

#[test]
#[ignore = "a child"]
fn asks_everything() {
    let nvml = Library::nvml();
    let mut count = 0u32;
    assert_eq!(nvml.call("nvmlDeviceGetCount_v2", [at(&mut count)]), 1);
    assert_eq!(nvml.call("nvmlShutdown", []), 1);
    assert_eq!(nvml.call("nvmlInit_v2", []), 0);
    assert_eq!(nvml.call("nvmlDeviceGetCount_v2", [at(&mut count)]), 0);
    assert_eq!(count, 1);

    let card = handle(&nvml);
    let uuid = text(&nvml, "nvmlDeviceGetUUID", card);
    assert_eq!(uuid, "GPU-63756f74-6173-696d-0000-000000000001");
    let mut same = 0;
    let uuid = format!("{uuid}\0");
    assert_eq!(nvml.call("nvmlDeviceGetHandleByUUID", [uuid.as_ptr() as usize, at(&mut same)]), 0);
    assert_eq!(same, card);
    let bus = c"0000:18:00.0".as_ptr() as usize;
    assert_eq!(nvml.call("nvmlDeviceGetHandleByPciBusId_v2", [bus, at(&mut same)]), 0);
    assert_eq!(same, card);
    assert_eq!(nvml.call("nvmlDeviceGetHandleByIndex_v2", [1, at(&mut same)]), 2);
    assert_eq!(nvml.call("nvmlDeviceGetName", [card, at(&mut [0u8; 4]), 4]), INSUFFICIENT_SIZE);
    assert_eq!(nvml.call("nvmlDeviceGetName", [card + 8, at(&mut [0u8; 96]), 96]), 2);

    let mut memory = [0u64; 3];
    assert_eq!(nvml.call("nvmlDeviceGetMemoryInfo", [card, at(&mut memory)]), 0);
    assert_eq!(memory, [8 << 30, 8 << 30, 0]);
    let mut memory = [0u64; 5];
    assert_eq!(nvml.call("nvmlDeviceGetMemoryInfo_v2", [card, at(&mut memory)]), 25);
    memory[0] = 40 | 2 << 24;
    assert_eq!(nvml.call("nvmlDeviceGetMemoryInfo_v2", [card, at(&mut memory)]), 0);
    assert_eq!(memory[1..], [8 << 30, 0, 8 << 30, 0]);

    let lists = [("", 4), ("_v2", 6), ("_v3", 6)];
    let listed = |kind: &str| {
        let name = |suffix| format!("nvmlDeviceGet{kind}RunningProcesses{suffix}");
        lists.map(|(suffix, words)| pids(&nvml, &name(suffix), card, words))
    };
    assert_eq!(listed("Compute"), [const { Vec::new() }; 3]);
    let (cuda, context) = with_context();
    assert_eq!(listed("Compute"), [const { std::process::id }; 3].map(|pid| vec![pid()]));
    assert_eq!(listed("Graphics"), [const { Vec::new() }; 3]);
    assert_eq!(listed("MPSCompute"), [const { Vec::new() }; 3]);
    assert_eq!(cuda.call("cuCtxDestroy_v2", [context]), 0);
    assert_eq!(listed("Compute"), [const { Vec::new() }; 3]);

    let mut rates = [9u32; 2];
    assert_eq!(nvml.call("nvmlDeviceGetUtilizationRates", [card, at(&mut rates)]), 0);
    assert_eq!(rates, [0, 0]);
    assert_eq!(nvml.call("nvmlShutdown", []), 0);
    assert_eq!(nvml.call("nvmlDeviceGetCount_v2", [at(&mut count)]), 1);
}

#[test]
#[ignore = "a child"]
fn mps_clients_have_their_own_list() {
    let nvml = Library::nvml();
    assert_eq!(nvml.call("nvmlInit_v2", []), 0);
    let card = handle(&nvml);
    let (_cuda, _) = with_context();
    let own = vec![std::process::id()];
    assert_eq!(pids(&nvml, "nvmlDeviceGetMPSComputeRunningProcesses_v3", card, 6), own);
    assert_eq!(pids(&nvml, "nvmlDeviceGetComputeRunningProcesses_v3", card, 6), []);
}
