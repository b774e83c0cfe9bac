//! Classic allocation: what is refused, how bytes are counted, what addresses are.

use crate::driver::{MIB, PAGE, alloc, alone, cu, free, ok, start};

const INVALID_VALUE: u32 = 1;
const OUT_OF_MEMORY: u32 = 2;

#[test]
fn misuse_is_refused() {
    alone("alloc::misuse_is_refused", 64 * MIB, || {
        let mut address = 0;
        assert_eq!(cu!(cuMemAlloc_v2(&mut address, 1)), 3);
        start();
        assert_eq!(cu!(cuMemAlloc_v2(&mut address, 0)), INVALID_VALUE);
        assert_eq!(cu!(cuMemAlloc_v2(std::ptr::null_mut(), 1)), INVALID_VALUE);
        assert_eq!(cu!(cuMemAlloc_v2(&mut address, usize::MAX)), OUT_OF_MEMORY);
        let address = alloc(4096);
        assert_eq!(cu!(cuMemFree_v2(address + 512)), INVALID_VALUE);
        ok!(cuMemFree_v2(address));
        assert_eq!(cu!(cuMemFree_v2(address)), INVALID_VALUE);
        assert_eq!(cu!(cuMemFree_v2(0)), INVALID_VALUE);
        ok!(cuCtxSetCurrent(std::ptr::null_mut()));
        let mut address = 0;
        assert_eq!(cu!(cuMemAlloc_v2(&mut address, 1)), 201);
    });
}

#[test]
fn the_card_is_full_to_the_last_page() {
    alone("alloc::the_card_is_full_to_the_last_page", 64 * MIB, || {
        start();
        assert_eq!(free(), 64 * MIB);
        let all: Vec<u64> = (0..32).map(|_| alloc(PAGE)).collect();
        let mut address = 0;
        assert_eq!(cu!(cuMemAlloc_v2(&mut address, 1)), OUT_OF_MEMORY);
        assert_eq!(free(), 0);
        ok!(cuMemFree_v2(all[7]));
        let small: Vec<u64> = (0..4096).map(|_| alloc(512)).collect();
        assert_eq!(cu!(cuMemAlloc_v2(&mut address, 1)), OUT_OF_MEMORY);
        small.iter().for_each(|address| ok!(cuMemFree_v2(*address)));
        ok!(cuMemAlloc_v2(&mut address, PAGE));
        let whole = all.iter().enumerate().filter(|(index, _)| *index != 7);
        whole.for_each(|(_, address)| ok!(cuMemFree_v2(*address)));
        ok!(cuMemFree_v2(address));
        let everything = alloc(64 * MIB);
        assert_eq!(free(), 0);
        ok!(cuMemFree_v2(everything));
        assert_eq!(free(), 64 * MIB);
    });
}

#[test]
fn small_requests_share_a_page() {
    alone("alloc::small_requests_share_a_page", 64 * MIB, || {
        start();
        let (first, second) = (alloc(1), alloc(513));
        assert_eq!((first % 512, second % 512), (0, 0));
        assert_eq!(free(), 62 * MIB);
        let odd = alloc(MIB + 1);
        assert_eq!((odd % PAGE as u64, free()), (0, 60 * MIB));
        let (mut base, mut bytes) = (0, 0);
        ok!(cuMemGetAddressRange_v2(&mut base, &mut bytes, odd + 99));
        assert_eq!((base, bytes), (odd, MIB + 1));
        [first, second].into_iter().for_each(|address| ok!(cuMemFree_v2(address)));
        assert_eq!(free(), 62 * MIB);
        assert_eq!(cu!(cuMemGetAddressRange_v2(&mut base, &mut bytes, first)), 500);
    });
}

#[test]
fn a_pitch_counts_in_full() {
    alone("alloc::a_pitch_counts_in_full", 64 * MIB, || {
        start();
        let (mut address, mut pitch) = (0, 0);
        ok!(cuMemAllocPitch_v2(&mut address, &mut pitch, 513, 8192, 4));
        assert_eq!((pitch, free()), (1024, 56 * MIB));
        for (width, height, element) in [(0, 1, 4), (1, 0, 4), (1, 1, 3)] {
            let answer = cu!(cuMemAllocPitch_v2(&mut address, &mut pitch, width, height, element));
            assert_eq!(answer, INVALID_VALUE);
        }
        let answer = cu!(cuMemAllocPitch_v2(&mut address, &mut pitch, usize::MAX / 2, 8, 4));
        assert_eq!(answer, OUT_OF_MEMORY);
    });
}

#[test]
fn a_context_takes_its_memory_along() {
    alone("alloc::a_context_takes_its_memory_along", 64 * MIB, || {
        start();
        let kept = alloc(PAGE);
        let mut own = std::ptr::null_mut();
        ok!(cuCtxCreate_v4(&mut own, std::ptr::null_mut(), 0, 0));
        let lost = alloc(PAGE);
        alloc(100);
        assert_eq!(free(), 58 * MIB);
        ok!(cuCtxDestroy_v2(own));
        assert_eq!(free(), 62 * MIB);
        assert_eq!(cu!(cuMemFree_v2(lost)), INVALID_VALUE);
        ok!(cuMemFree_v2(kept));
    });
}

#[test]
fn the_host_cannot_follow_device_addresses() {
    use crate::driver::{Machine, role};
    use std::os::unix::process::ExitStatusExt;
    if role().is_some() {
        start();
        let address = alloc(PAGE) as *const u8;
        // SAFETY: not sound on purpose: this process is expected to die here, as on a real card.
        println!("read {}", unsafe { address.read_volatile() });
        return;
    }
    let test = "alloc::the_host_cannot_follow_device_addresses";
    let output = Machine::of(64 * MIB, 1).start(test, "reads").wait_with_output().unwrap();
    assert_eq!(output.status.signal(), Some(11));
}
