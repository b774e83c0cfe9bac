use crate::driver::*;
use crate::rows;

pub fn memory(bytes: usize) -> usize {
    get!(usize, cuMemAlloc_v2, bytes)
}

fn alloc(bytes: usize) -> u32 {
    let mut device = 0_u64;
    let answer = cu!(cuMemAlloc_v2, &mut device, bytes);
    if answer == 0 {
        ok!(cuMemFree_v2, device);
    }
    answer
}

fn read(device: usize, bytes: usize) -> u32 {
    let mut host = vec![0_u8; bytes];
    cu!(cuMemcpyDtoH_v2, host.as_mut_ptr(), device, bytes)
}

fn freed() -> usize {
    let device = memory(4096);
    ok!(cuMemFree_v2, device);
    device
}

/// A page of ordinary memory.
fn page() -> usize {
    static PAGE: [u64; 2048] = [0; 2048];
    (PAGE.as_ptr() as usize).next_multiple_of(4096)
}

fn registered(and: impl FnOnce() -> u32) -> u32 {
    ok!(cuMemHostRegister_v2, page(), 4096, 0);
    let answer = and();
    cu!(cuMemHostUnregister, page());
    answer
}

fn pitch(element: u32) -> u32 {
    let (mut device, mut pitch) = (0_u64, 0_usize);
    cu!(cuMemAllocPitch_v2, &mut device, &mut pitch, 100, 10, element)
}

rows! { "memory":
    cuMemAlloc_v2, "no bytes" => 1, |_| alloc(16), |_| alloc(0);
    cuMemAlloc_v2, "more than any card has" => 2, |_| alloc(16), |_| alloc(1 << 60);
    cuMemFree_v2, "an address within an allocation" => 1,
        |_| cu!(cuMemFree_v2, memory(4096)), |_| cu!(cuMemFree_v2, memory(4096) + 512);
    cuMemFree_v2, "twice" => 1, |_| cu!(cuMemFree_v2, memory(4096)), |_| cu!(cuMemFree_v2, freed());
    cuMemcpyDtoH_v2, "from memory that was freed" => 1, |_| read(memory(4096), 16), |_| read(freed(), 16);
    cuMemcpyDtoH_v2, "beyond the end" => 1, |_| read(memory(4096), 4096), |_| read(memory(4096), 4 << 20);
    cuMemcpyHtoD_v2, "from nowhere" => 1, |_| {
        let word = 0_u64;
        cu!(cuMemcpyHtoD_v2, memory(8), &raw const word, 8)
    }, |_| cu!(cuMemcpyHtoD_v2, memory(8), 0, 8);
    cuMemsetD32_v2, "an address that is not aligned" => 1,
        |_| cu!(cuMemsetD32_v2, memory(64), 0, 4), |_| cu!(cuMemsetD32_v2, memory(64) + 2, 0, 4);
    cuMemAllocPitch_v2, "elements of three bytes" => 1, |_| pitch(4), |_| pitch(3);
    cuMemAllocManaged, "flags that do not exist" => 1,
        |_| cu!(cuMemAllocManaged, &mut 0_u64, 16, 1), |_| cu!(cuMemAllocManaged, &mut 0_u64, 16, 8);
    cuMemHostRegister_v2, "memory registered before" => 712,
        |_| registered(|| 0), |_| registered(|| cu!(cuMemHostRegister_v2, page(), 4096, 0));
    cuMemHostUnregister, "memory never registered" => 713,
        |_| registered(|| cu!(cuMemHostUnregister, page())), |_| cu!(cuMemHostUnregister, page());
    cuMemFreeHost, "memory of the device" => 1,
        |_| cu!(cuMemFreeHost, get!(usize, cuMemHostAlloc, 64, 0)), |_| cu!(cuMemFreeHost, memory(64));
    cuPointerGetAttribute, "an address the driver does not know" => 1,
        |_| cu!(cuPointerGetAttribute, &mut 0_u64, 2, memory(64)), |_| cu!(cuPointerGetAttribute, &mut 0_u64, 2, 0x1000);
}
