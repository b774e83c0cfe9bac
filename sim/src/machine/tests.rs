use super::*;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicU32;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A directory of its own, removed afterwards. One test at a time has one: between fork and exec
/// the children of one would keep the locks that another gives up.
struct Dir {
    path: std::path::PathBuf,
    _turn: Option<MutexGuard<'static, ()>>,
}

impl Dir {
    fn new() -> Self {
        static ONE: Mutex<()> = Mutex::new(());
        let guard = ONE.lock().unwrap_or_else(|e| e.into_inner());
        let number = NEXT.fetch_add(1, Relaxed);
        let name = format!("cuota-sim-machine-{}-{number}", std::process::id());
        Self { path: std::env::temp_dir().join(name), _turn: Some(guard) }
    }

    /// As another process would: through an open file of its own.
    fn open(&self) -> Machine {
        let spec = |total| config::CardSpec {
            name: "Card".to_owned(),
            total,
            sm_count: 4,
            sm_step: 2,
            capability: 90,
            context_bytes: 0,
        };
        Machine::new(file::open_or_create(&self.path, &[spec(100), spec(1000)]).unwrap())
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[test]
fn bytes_are_refused_when_the_card_is_full() {
    let dir = Dir::new();
    let (one, two) = (dir.open(), dir.open());
    assert_eq!(one.reserve(0, 60), Ok(()));
    assert_eq!(two.reserve(0, 41), Err(Full));
    assert_eq!(two.reserve(0, 40), Ok(()));
    assert_eq!(two.reserve(0, u64::MAX), Err(Full));
    assert_eq!((one.free(0), one.held(0), two.held(0)), (0, 60, 40));
    assert_eq!(one.free(1), 1000);
    one.release(0, 60);
    assert_eq!(two.reserve(0, 60), Ok(()));
    assert_eq!((one.highest(0), one.highest(1)), (100, 0));
    assert_eq!(one.reserve(2, 1), Err(Full));
}

#[test]
fn a_closed_process_gives_all_back_and_stays_in_the_books() {
    let dir = Dir::new();
    let one = dir.open();
    let two = dir.open();
    two.reserve(0, 70).unwrap();
    two.release(0, 30);
    two.context_opened(0);
    two.worked(0, 5, 20, 1);
    one.reserve(0, 10).unwrap();
    drop(two);
    assert_eq!(one.used(0), 10);
    assert_eq!(one.reserve(0, 90), Ok(()));
    let gone = one.processes(0).into_iter().find(|p| !p.alive).unwrap();
    assert_eq!((gone.held, gone.peak, gone.contexts), (0, 70, 0));
    assert_eq!((gone.busy_ns, gone.sm_ns, gone.launches), (5, 20, 1));
}

#[test]
fn the_dead_are_not_part_of_a_new_height() {
    let dir = Dir::new();
    let one = dir.open();
    let two = dir.open();
    two.reserve(0, 70).unwrap();
    drop(two);
    one.reserve(0, 10).unwrap();
    one.reserve(0, 10).unwrap();
    assert_eq!(one.highest(0), 70);
}

#[test]
fn a_shared_block_is_counted_once_and_lives_as_long_as_a_holder() {
    let dir = Dir::new();
    let (one, two) = (dir.open(), dir.open());
    let block = one.share(0, 80).unwrap();
    assert!(two.hold(block));
    assert_eq!((one.held(0), two.held(0), one.used(0)), (80, 0, 80));
    drop(one);
    assert_eq!((two.held(0), two.used(0)), (0, 80));
    assert_eq!(two.reserve(0, 21), Err(Full));
    two.let_go(block);
    assert_eq!(two.used(0), 0);
    assert!(!two.hold(block));
}

#[test]
fn the_slot_of_a_creator_does_not_pass_its_blocks_on() {
    let dir = Dir::new();
    let two = dir.open();
    let one = dir.open();
    let block = one.share(0, 80).unwrap();
    two.hold(block);
    let slot = one.my_slot();
    drop(one);
    two.used(0);
    two.words.slots[slot.unwrap()].state.store(layout::FREE, Relaxed);
    let three = dir.open();
    three.reserve(0, 1).unwrap();
    assert_eq!((three.my_slot(), three.held(0)), (slot, 1));
}

#[test]
fn slots_are_reused_when_none_is_left() {
    let dir = Dir::new();
    let one = dir.open();
    one.reserve(0, 1).unwrap();
    for _ in 0..layout::MAX_PROCESSES + 3 {
        assert_eq!(dir.open().reserve(0, 99), Ok(()));
    }
    assert_eq!(one.used(0), 1);
}

#[test]
fn a_foreign_file_is_refused() {
    let dir = Dir::new();
    std::fs::create_dir_all(&dir.path).unwrap();
    std::fs::write(dir.path.join("machine"), "something else").unwrap();
    assert!(file::open_or_create(&dir.path, &[]).is_err());
}

/// Not a test by itself: what the children of the next one run.
#[test]
fn holder_child() {
    let Some(dir) = std::env::var_os("CUOTA_SIM_TEST_HOLDER") else {
        return;
    };
    let dir = std::mem::ManuallyDrop::new(Dir { path: dir.into(), _turn: None });
    let machine = dir.open();
    println!("ready");
    loop {
        if machine.reserve(0, 7).is_ok() {
            machine.release(0, 7);
        }
        if let Ok(block) = machine.share(0, 5) {
            machine.let_go(block);
        }
    }
}

#[test]
fn kills_at_any_instruction_leak_nothing() {
    let dir = Dir::new();
    let watcher = dir.open();
    for round in 0..60 {
        let mut children: Vec<_> = (0..3)
            .map(|_| {
                Command::new(std::env::current_exe().unwrap())
                    .args(["machine::tests::holder_child", "--exact", "--nocapture"])
                    .env("CUOTA_SIM_TEST_HOLDER", &dir.path)
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for child in &mut children {
            let mut text = Vec::new();
            let out = child.stdout.as_mut().unwrap();
            while !String::from_utf8_lossy(&text).contains("ready") {
                let mut byte = [0];
                assert_eq!(out.read(&mut byte).unwrap(), 1);
                text.push(byte[0]);
            }
        }
        std::thread::sleep(std::time::Duration::from_micros(137 * (round % 16)));
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(watcher.used(0), 0, "round {round}");
        assert!(watcher.highest(0) <= 100);
        assert_eq!(watcher.reserve(0, 100), Ok(()));
        watcher.release(0, 100);
    }
}
