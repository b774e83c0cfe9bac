use std::ffi::{CStr, CString};
use std::{env, fs, process};

use crate::driver::*;

const NOT_FOUND: u32 = 500;
const INVALID_HANDLE: u32 = 400;

fn attribute(function: usize, attribute: u32) -> i32 {
    let mut value = 0_i32;
    ok!(cuFuncGetAttribute, &mut value as *mut i32, attribute, function);
    value
}

fn free_bytes() -> usize {
    let (mut free, mut total) = (0_usize, 0_usize);
    ok!(cuMemGetInfo_v2, &mut free, &mut total);
    free
}

#[test]
fn functions_are_found_by_name() {
    let _turn = alone();
    let code = code();
    let mut missing = 0_usize;
    assert_eq!(cu!(cuModuleGetFunction, &mut missing, code.module, c"missing"), NOT_FOUND);
    assert_eq!(function(code.module, c"nothing"), code.nothing, "the same each time");
    let mut count = 0_u32;
    ok!(cuModuleGetFunctionCount, &mut count, code.module);
    let mut all = vec![0_usize; count as usize];
    ok!(cuModuleEnumerateFunctions, all.as_mut_ptr(), count, code.module);
    assert!(count == 4 && all.contains(&code.scale));
    let mut name = 0_usize;
    ok!(cuFuncGetName, &mut name, code.scale);
    // SAFETY: the driver's string.
    assert_eq!(unsafe { CStr::from_ptr(name as *const _) }, c"scale");
    ok!(cuModuleUnload, code.module);
    assert_eq!(launch(code.nothing, 0), INVALID_HANDLE);
    assert_eq!(cu!(cuModuleUnload, code.module), INVALID_HANDLE);
}

#[test]
fn what_the_code_says_of_itself_can_be_asked() {
    let _turn = alone();
    let code = code();
    assert_eq!((attribute(code.scale, 1), attribute(code.scale, 5)), (4096, 70));
    assert_eq!(attribute(function(code.module, c"small"), 0), 64);
    let mut places = Vec::new();
    for index in 0..3_usize {
        let (mut offset, mut size) = (0_usize, 0_usize);
        ok!(cuFuncGetParamInfo, code.scale, index, &mut offset, &mut size);
        places.push((offset, size));
    }
    assert_eq!(places, [(0, 8), (8, 4), (12, 4)]);
    let (mut offset, mut size) = (0_usize, 0_usize);
    assert_eq!(cu!(cuFuncGetParamInfo, code.scale, 3, &mut offset, &mut size), 1);
}

#[test]
fn globals_are_memory() {
    let _turn = alone();
    let code = code();
    let (mut address, mut bytes) = (0_usize, 0_usize);
    ok!(cuModuleGetGlobal_v2, &mut address, &mut bytes, code.module, c"table");
    assert_eq!(bytes, 64);
    let (mut out, mut back) = ([7_u8; 64], [0_u8; 64]);
    ok!(cuMemcpyHtoD_v2, address, &mut out, 64);
    ok!(cuMemcpyDtoH_v2, &mut back, address, 64);
    assert_eq!(out, back);
    assert_eq!(cu!(cuMemFree_v2, address), 1, "it is the module's");
    assert_eq!(
        cu!(cuModuleGetGlobal_v2, &mut address, &mut bytes, code.module, c"missing"),
        NOT_FOUND
    );
}

#[test]
fn code_takes_memory_of_the_card() {
    let _turn = alone();
    let before = free_bytes();
    let code = code();
    assert!(free_bytes() < before);
    ok!(cuModuleUnload, code.module);
    assert_eq!(free_bytes(), before);
}

#[test]
fn a_library_belongs_to_no_context() {
    let turn = alone();
    ok!(cuCtxSetCurrent, 0);
    let mut library = 0_usize;
    ok!(cuLibraryLoadData, &mut library, CODE, 0, 0, 0, 0, 0, 0);
    let kernel = get!(usize, cuLibraryGetKernel, library, c"nothing");
    let mut count = 0_u32;
    ok!(cuLibraryGetKernelCount, &mut count, library);
    assert_eq!(count, 4);
    let mut missing = 0_usize;
    assert_eq!(cu!(cuLibraryGetKernel, &mut missing, library, c"missing"), NOT_FOUND);
    let mut threads = 0_i32;
    ok!(cuKernelGetAttribute, &mut threads as *mut i32, 0, kernel, 0);
    assert_eq!(threads, 1024);
    assert_eq!(cu!(cuKernelGetFunction, &mut missing, kernel), 201);
    let mut other = 0_usize;
    ok!(cuCtxCreate_v2, &mut other, 0, 0);
    let there = get!(usize, cuKernelGetFunction, kernel);
    ok!(cuCtxSetCurrent, turn.ctx);
    let here = get!(usize, cuKernelGetFunction, kernel);
    assert_ne!(here, there);
    assert_eq!((launch(here, 0), launch(kernel, 0)), (0, 0), "a kernel can be launched itself");
    assert_eq!(launch(there, 0), INVALID_HANDLE, "a function only in its context");
    let (mut address, mut bytes) = (0_usize, 0_usize);
    ok!(cuLibraryGetGlobal, &mut address, &mut bytes, library, c"table");
    ok!(cuLibraryGetManaged, &mut address, &mut bytes, library, c"shared_with_host");
    assert_eq!(cu!(cuLibraryGetManaged, &mut address, &mut bytes, library, c"table"), NOT_FOUND);
    let module = get!(usize, cuLibraryGetModule, library);
    assert_eq!(cu!(cuModuleUnload, module), 800);
    ok!(cuLibraryUnload, library);
    assert_eq!((launch(here, 0), launch(kernel, 0)), (INVALID_HANDLE, INVALID_HANDLE));
    ok!(cuCtxDestroy_v2, other);
}

#[test]
fn a_kernels_settings_hold_in_every_context_of_its_device() {
    const MAX_DYNAMIC_SHARED: u32 = 8;
    let _turn = alone();
    let mut library = 0_usize;
    ok!(cuLibraryLoadData, &mut library, CODE, 0, 0, 0, 0, 0, 0);
    let kernel = get!(usize, cuLibraryGetKernel, library, c"nothing");
    ok!(cuKernelSetAttribute, MAX_DYNAMIC_SHARED, 100 << 10, kernel, 0);
    let here = get!(usize, cuKernelGetFunction, kernel);
    assert_eq!(attribute(here, MAX_DYNAMIC_SHARED), 100 << 10);
    assert_eq!(cu!(cuKernelSetAttribute, MAX_DYNAMIC_SHARED, 300 << 10, kernel, 0), 1);
    ok!(cuLibraryUnload, library);
}

#[test]
fn code_comes_from_files_too() {
    let _turn = alone();
    let path = env::temp_dir().join(format!("cuota-sim-code-{}.ptx", process::id()));
    fs::write(&path, CODE.to_bytes()).unwrap();
    let text = CString::new(path.to_str().unwrap()).unwrap();
    let module = get!(usize, cuModuleLoad, text.as_c_str());
    function(module, c"scale");
    let mut library = 0_usize;
    ok!(cuLibraryLoadFromFile, &mut library, text.as_c_str(), 0, 0, 0, 0, 0, 0);
    ok!(cuLibraryUnload, library);
    fs::remove_file(path).unwrap();
    let mut missing = 0_usize;
    assert_eq!(cu!(cuModuleLoad, &mut missing, text.as_c_str()), 301);
}

#[test]
fn code_is_refused_with_a_reason_and_a_log() {
    let _turn = alone();
    let load = |code: &CStr| {
        let mut module = 0_usize;
        let mut log = [1_u8; 200];
        // Error log, its size.
        let options = [5_u32, 6];
        let mut values = [log.as_mut_ptr() as usize, log.len()];
        let answer =
            cu!(cuModuleLoadDataEx, &mut module, code, 2, options.as_ptr(), values.as_mut_ptr());
        assert_eq!(log[values[1]], 0, "ends where the size says");
        (answer, values[1] > 0)
    };
    assert_eq!(load(CODE), (0, false));
    assert_eq!(load(c"nonsense"), (200, true));
    assert_eq!(load(c".version 7.0\n.target sm_70\n.entry broken() {"), (218, true));
    assert_eq!(load(c".version 7.0\n.target sm_100\n"), (218, true));
    assert_eq!(load(c".version 99.0\n.target sm_70\n"), (222, true));
}

#[test]
fn the_linker_gives_back_code_that_can_be_loaded() {
    const PTX: u32 = 1;
    let _turn = alone();
    let mut linker = 0_usize;
    ok!(cuLinkCreate_v2, 0, 0, 0, &mut linker);
    let second = c".version 7.0\n.target sm_70\n.entry other(.param .u64 p) { ret; }";
    for piece in [CODE, second] {
        ok!(
            cuLinkAddData_v2,
            linker,
            PTX,
            piece,
            piece.to_bytes_with_nul().len(),
            c"piece",
            0,
            0,
            0
        );
    }
    assert_ne!(cu!(cuLinkAddData_v2, linker, PTX, c"nonsense", 9, c"piece", 0, 0, 0), 0);
    let (mut code, mut size) = (0_usize, 0_usize);
    ok!(cuLinkComplete, linker, &mut code, &mut size);
    let module = get!(usize, cuModuleLoadData, code);
    // SAFETY: the linker's answer, until it is destroyed.
    let start = unsafe { std::slice::from_raw_parts(code as *const u8, size) };
    assert_eq!(&start[..4], b"\x7fELF");
    ok!(cuLinkDestroy, linker);
    assert_eq!(attribute(function(module, c"scale"), 1), 4096);
    let (mut offset, mut bytes) = (9_usize, 0_usize);
    ok!(cuFuncGetParamInfo, function(module, c"other"), 0, &mut offset, &mut bytes);
    assert_eq!((offset, bytes), (0, 8));
    ok!(cuModuleGetGlobal_v2, &mut offset, &mut bytes, module, c"table");
    assert_eq!(bytes, 64);
    assert_eq!(cu!(cuLinkDestroy, linker), INVALID_HANDLE);
}
