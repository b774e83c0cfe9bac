//! What a CUDA program in Rust looks like to cuota: cudarc opens the driver at its first call and
//! looks each function up when it is first used. `cuota run -- target/debug/examples/alloc`

use cudarc::driver::{result, sys};

fn main() -> Result<(), result::DriverError> {
    result::init()?;
    let device = result::device::get(0)?;
    println!("{} device(s), {}", result::device::get_count()?, result::device::get_name(device)?);
    // SAFETY: the context is current while it is used, and the memory is freed once, after its use.
    unsafe {
        let context = result::primary_ctx::retain(device)?;
        result::ctx::set_current(context)?;
        let memory = result::malloc_sync(1 << 20)?;
        result::memcpy_htod_sync(memory, b"through the driver")?;
        let mut back = [0_u8; 18];
        result::memcpy_dtoh_sync(&mut back, memory)?;
        let (_, total) = result::mem_get_info()?;
        println!("{} of {total} bytes", String::from_utf8_lossy(&back));
        result::free_sync(memory)?;
        let twice: Result<(), sys::CUresult> = result::free_sync(memory).map_err(|why| why.0);
        println!("freed twice: {twice:?}");
        result::primary_ctx::release(device)?;
    }
    Ok(())
}
