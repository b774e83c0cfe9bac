//! Every driver function is exported, and is hooked or forwarded with a reason.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, c_char, c_uint};
use std::process::Command;

use support::{Run, Scratch, Way, facts};

type EntryPoint =
    unsafe extern "C" fn(c_uint, *mut *const c_char, *mut *const c_char) -> *const c_char;

/// What the library says it does at each entry point: (how, why it may be forwarded).
fn declared() -> BTreeMap<String, (String, Option<String>)> {
    let mut all = BTreeMap::new();
    // SAFETY: the library's constructor only looks; the symbol has the type it is declared with there, and
    // answers with C strings that live as long as the library, which is never unloaded.
    unsafe {
        let library = libloading::Library::new(support::library()).expect("the library loads");
        let at: libloading::Symbol<EntryPoint> =
            library.get(c"cuota_entry_point").expect("it is exported");
        let text =
            |text: *const c_char| CStr::from_ptr(text).to_str().expect("plain text").to_string();
        for index in 0.. {
            let (mut how, mut reason) = (std::ptr::null(), std::ptr::null());
            let name = at(index, &mut how, &mut reason);
            if name.is_null() {
                break;
            }
            let reason = (!reason.is_null()).then(|| text(reason));
            assert!(
                all.insert(text(name), (text(how), reason)).is_none(),
                "{} stands twice",
                text(name)
            );
        }
    }
    all
}

/// Symbols the built library exports.
fn exported() -> BTreeSet<String> {
    let output = Command::new("nm").args(["-D", "--defined-only"]).arg(support::library()).output();
    let output = output.expect("nm can be run");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split(' ').nth(2).map(String::from))
        .collect()
}

/// Names of `wanted` that are not in `known`.
fn unknown<'a>(
    wanted: impl IntoIterator<Item = &'a String>,
    known: &BTreeSet<String>,
) -> Vec<&'a String> {
    wanted.into_iter().filter(|name| !known.contains(*name)).collect()
}

fn all_facts() -> BTreeSet<String> {
    let known = facts::entry_points().into_iter().map(|point| point.name);
    facts::GENERATIONS
        .iter()
        .flat_map(|generation| facts::exports(generation))
        .chain(known)
        .collect()
}

#[test]
fn every_function_of_every_driver_is_exported_and_accounted_for() {
    let wanted = all_facts();
    assert!(wanted.len() > 700, "the facts are there");
    let exported = exported();
    let declared = declared();
    let named = declared.keys().cloned().collect();
    assert_eq!(unknown(&wanted, &exported), [""; 0], "not exported");
    assert_eq!(unknown(&wanted, &named), [""; 0], "neither hooked nor forwarded");
    for (name, (how, reason)) in &declared {
        match how.as_str() {
            "body" | "row" => assert_eq!(*reason, None, "{name}"),
            "forwarded" => {
                assert!(reason.as_ref().is_some_and(|text| text.len() > 10), "{name}: no reason")
            }
            other => panic!("{name}: {other}"),
        }
    }
}

#[test]
fn a_removed_name_and_a_new_one_would_be_noticed() {
    let mut known: BTreeSet<_> = declared().into_keys().collect();
    assert!(known.remove("cuMemAlloc_v2"));
    assert_eq!(unknown(&all_facts(), &known), ["cuMemAlloc_v2"]);
    known.insert("cuMemAlloc_v2".into());
    let newer: BTreeSet<_> =
        facts::exports("615").into_iter().chain(["cuMemAllocSomehow".into()]).collect();
    assert_eq!(unknown(&newer, &known), ["cuMemAllocSomehow"]);
}

#[test]
fn nothing_else_is_exported() {
    let signals =
        ["sigaction", "signal", "bsd_signal", "ssignal", "sysv_signal", "__sysv_signal", "sigset"];
    let ours = ["dlopen", "dlsym", "cuota_version", "cuota_entry_point"];
    let ours = ours.into_iter().chain(signals).map(String::from);
    let known: BTreeSet<_> = declared().into_keys().chain(ours).collect();
    let exported = exported();
    assert_eq!(unknown(&exported, &known), [""; 0], "stands before somebody's symbol");
    assert_eq!(unknown(&known, &exported), [""; 0]);
}

/// Which names must be hooked from the start; the rest may be forwarded.
#[test]
fn what_takes_or_gives_back_memory_or_runs_work_is_hooked() {
    let declared = declared();
    let hooked = |name: &str| declared.get(name).is_some_and(|(how, _)| how != "forwarded");
    for name in [
        "cuMemAlloc_v2",
        "cuMemAllocPitch_v2",
        "cuMemAllocManaged",
        "cuMemAllocAsync_ptsz",
        "cuMemFree_v2",
        "cuMemFreeAsync",
        "cuMemCreate",
        "cuMemMap",
        "cuMemUnmap",
        "cuMemRelease",
        "cuArray3DCreate_v2",
        "cuMipmappedArrayCreate",
        "cuMipmappedArrayDestroy",
        "cuMemPoolTrimTo",
        "cuMemPoolCreate",
        "cuIpcOpenMemHandle_v2",
        "cuImportExternalMemory",
        "cuMemImportFromShareableHandle",
        "cuGraphAddMemAllocNode",
        "cuGraphInstantiateWithFlags",
        "cuGraphExecUpdate_v2",
        "cuGraphUpload",
        "cuGraphLaunch_ptsz",
        "cuGraphExecDestroy",
        "cuLaunchKernel",
        "cuLaunchKernelEx_ptsz",
        "cuLaunchCooperativeKernel",
        "cuLaunchHostFunc",
        "cuMemcpyHtoD_v2",
        "cuMemcpy3DAsync_v2_ptsz",
        "cuMemsetD8_v2",
        "cuStreamBeginCapture_v2",
        "cuStreamEndCapture",
        "cuStreamCreate",
        "cuStreamDestroy_v2",
        "cuEventCreate",
        "cuEventDestroy_v2",
        "cuInit",
        "cuCtxCreate_v4",
        "cuDevicePrimaryCtxRetain",
        "cuGreenCtxCreate",
        "cuMemGetInfo_v2",
        "cuDeviceTotalMem_v2",
        "cuDeviceGetAttribute",
        "cuGetProcAddress_v2",
        "cuGetExportTable",
        "cuModuleLoadData",
        "cuLibraryUnload",
        "cuCtxSetLimit",
        "cuMemPoolSetAttribute",
        "cuStreamSynchronize_ptsz",
        "cuCtxSynchronize",
        "cuEventQuery",
        "cuStreamIsCapturing",
        "cuPointerGetAttributes",
        "cuMemGetAddressRange_v2",
        "cuArrayGetMemoryRequirements",
        "nvmlDeviceGetMemoryInfo_v2",
        "nvmlDeviceGetComputeRunningProcesses_v3",
    ] {
        assert!(hooked(name), "{name}");
    }
    for name in ["cuCheckpointProcessLock", "cuEGLApiInit", "cuTexRefCreate"] {
        assert!(declared.contains_key(name) && !hooked(name), "{name}");
    }
}

/// A driver newer than our list runs as it is; what looks like an allocator is warned about by name.
#[test]
fn a_newer_driver_works_and_is_reported() {
    let scratch = Scratch::new();
    scratch.compile("newer.c", "libcuda.so.1", &["-shared", "-fPIC", "-Wl,-Bsymbolic"]);
    let program = scratch.compile("newest.c", "newest", &[]);
    let run = |way, level| Run::on(&program, way, scratch.path()).env("CUOTA_LOG", level).ok();
    let bare = run(Way::Bare, "warn");
    assert_eq!(bare.out(), "0 0 77 78 missing\n");
    let with = run(Way::Preloaded, "warn");
    assert_eq!(with.out(), bare.out());
    let warned: Vec<_> = with.err().lines().map(String::from).collect();
    assert_eq!(warned.len(), 1, "once, and of the allocator alone: {warned:?}");
    assert!(warned[0].starts_with("cuota: warn: this driver has cuMemAllocSomehow"), "{warned:?}");
    assert_eq!(with.tally().expect("it was counted").untranslated, 1);
    let debug = run(Way::Preloaded, "debug").err();
    assert!(
        debug.contains("this driver has cuPaintCard") && debug.contains("2 of this driver's names"),
        "{debug}"
    );
}
