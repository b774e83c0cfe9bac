use std::ffi::CStr;

use crate::driver::*;
use crate::{World, rows};

fn load(code: &CStr) -> u32 {
    cu!(cuModuleLoadData, &mut 0_usize, code)
}

/// A fat binary, with as many entries of PTX as asked.
fn load_fat(entries: usize) -> u32 {
    let text = b".version 7.0\n.target sm_70\n.entry k() { ret; }\n\n";
    let mut file = vec![0x50, 0xed, 0x55, 0xba, 1, 0, 16, 0];
    file.extend((entries as u64 * (64 + 48)).to_le_bytes());
    for _ in 0..entries {
        let mut header = [0_u8; 64];
        (header[0], header[4], header[8], header[28]) = (1, 64, 48, 70);
        file.extend(header);
        file.extend(text);
    }
    cu!(cuModuleLoadFatBinary, &mut 0_usize, file.as_ptr())
}

fn find(world: &World, name: &CStr) -> u32 {
    cu!(cuModuleGetFunction, &mut 0_usize, world.code.module, name)
}

fn global(world: &World, name: &CStr) -> u32 {
    cu!(cuModuleGetGlobal_v2, &mut 0_u64, &mut 0_usize, world.code.module, name)
}

fn attribute(world: &World, attribute: u32) -> u32 {
    cu!(cuFuncGetAttribute, &mut 0_i32, attribute, world.code.nothing)
}

fn dynamic_shared(world: &World, bytes: u32) -> u32 {
    cu!(cuFuncSetAttribute, world.code.nothing, 8, bytes)
}

fn unloaded() -> usize {
    let gone = code().module;
    ok!(cuModuleUnload, gone);
    gone
}

fn library() -> usize {
    let mut library = 0_usize;
    ok!(cuLibraryLoadData, &mut library, CODE, 0, 0, 0, 0, 0, 0);
    library
}

fn linker() -> usize {
    let mut linker = 0_usize;
    ok!(cuLinkCreate_v2, 0, 0, 0, &mut linker);
    linker
}

fn link(kind: u32) -> u32 {
    cu!(cuLinkAddData_v2, linker(), kind, CODE, CODE.to_bytes_with_nul().len(), 0, 0, 0, 0)
}

rows! { "modules":
    cuModuleLoadData, "no code at all" => 200, |_| load(CODE), |_| load(c"hello");
    cuModuleLoadData, "text that does not compile" => 218,
        |_| load(CODE), |_| load(c".version 7.0\n.target sm_70\n.entry k( {");
    cuModuleLoadData, "text for newer devices" => 218,
        |_| load(c".version 7.0\n.target sm_90\n"), |_| load(c".version 7.0\n.target sm_100\n");
    cuModuleLoadData, "text of a newer language" => 222,
        |_| load(CODE), |_| load(c".version 99.0\n.target sm_70\n");
    cuModuleLoadData, "nothing" => 1, |_| load(CODE), |_| cu!(cuModuleLoadData, &mut 0_usize, 0);
    cuModuleLoadFatBinary, "nothing for this device" => 209, |_| load_fat(1), |_| load_fat(0);
    cuModuleLoad, "a file that does not exist" => 301, |_| {
        let path = std::env::temp_dir().join(format!("cuota-sim-misuse-{}.ptx", std::process::id()));
        std::fs::write(&path, CODE.to_bytes()).unwrap();
        let text = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        let answer = cu!(cuModuleLoad, &mut 0_usize, text.as_c_str());
        std::fs::remove_file(path).unwrap();
        answer
    }, |_| cu!(cuModuleLoad, &mut 0_usize, c"/nowhere/code.ptx");
    cuModuleGetFunction, "a name it does not have" => 500, |world| find(world, c"nothing"), |world| find(world, c"something");
    cuModuleGetFunction, "in an unloaded module" => 400,
        |world| find(world, c"nothing"), |_| cu!(cuModuleGetFunction, &mut 0_usize, unloaded(), c"nothing");
    cuModuleGetGlobal_v2, "a name it does not have" => 500, |world| global(world, c"table"), |world| global(world, c"chair");
    cuModuleUnload, "twice" => 400, |_| cu!(cuModuleUnload, code().module), |_| cu!(cuModuleUnload, unloaded());
    cuFuncGetAttribute, "an attribute that does not exist" => 1, |world| attribute(world, 4), |world| attribute(world, 99);
    cuFuncSetAttribute, "more shared memory than there is" => 1,
        |world| dynamic_shared(world, 200 << 10), |world| dynamic_shared(world, 300 << 10);
    cuLibraryGetKernel, "a name it does not have" => 500,
        |_| cu!(cuLibraryGetKernel, &mut 0_usize, library(), c"scale"),
        |_| cu!(cuLibraryGetKernel, &mut 0_usize, library(), c"scales");
    cuLinkAddData_v2, "a kind of input that does not exist" => 1, |_| link(1), |_| link(77);
}
