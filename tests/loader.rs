//! The loader answers as without us: probes, errors, other preloads, threads, constructors, forks.

mod support;

use std::path::{Path, PathBuf};

use support::{Run, Scratch, Way, library, simulator};

/// What a program prints with and without us.
fn same(run: impl Fn(Way) -> Run) -> String {
    let (bare, with) = (run(Way::Bare).ok(), run(Way::Preloaded).ok());
    assert_eq!(with.out(), bare.out());
    assert_eq!(with.err(), bare.err());
    with.out()
}

fn probe(scratch: &Scratch) -> PathBuf {
    scratch.compile("probe.c", "probe", &[])
}

#[test]
fn probes_before_cuda_is_opened_find_nothing() {
    let scratch = Scratch::new();
    let program = probe(&scratch);
    // `self` is the program's own handle: the global scope, too.
    for asked in ["noload", "noload,open,noload", "self,getpid,open,self,nosuch"] {
        same(|way| Run::new(&program, way).arg(asked));
    }
    let out = same(|way| Run::new(&program, way).arg("noload,noload,open,noload,cuInit"));
    assert!(out.starts_with("noload: null, no error\nnoload: null"), "{out}");
    assert!(out.ends_with("noload: found, no error\ncuInit: found, no error\n"), "{out}");
}

/// The loader words a failed global lookup with the caller's name. From a library it is the same
/// with us; from the program itself the name differs, and only that.
#[test]
fn global_lookups_find_nothing_until_it_is_opened_for_all() {
    let scratch = Scratch::new();
    let program = probe(&scratch);
    let asked = "default:cuInit,self,cuInit,open,default:cuInit,open-global,default:cuInit,default:cuMemAlloc_v2";
    let found = |way| {
        let out = Run::new(&program, way).arg(asked).ok().out();
        let line = |line: &str| line.split(", ").next().map(String::from);
        out.lines().filter_map(line).collect::<Vec<_>>()
    };
    assert_eq!(found(Way::Preloaded), found(Way::Bare));
    let (host, plugin) = (
        scratch.compile("host.c", "host", &[]),
        scratch.compile("probe.c", "libprobe.so", &["-DLIBRARY", "-shared", "-fPIC"]),
    );
    same(|way| {
        Run::new(&host, way)
            .arg(&plugin)
            .arg("n")
            .arg("default:cuInit,open,default:cuInit")
            .arg("-")
    });
}

#[test]
fn errors_after_each_kind_of_miss_are_the_loaders_own() {
    let scratch = Scratch::new();
    let program = probe(&scratch);
    for asked in [
        "other,open,cuNoSuchThing,nosuchthing,cuInit,cuNoSuchThing",
        "open,default:nosuch,next:nosuch,next:cuNoSuchThing",
        "path:/nowhere/libcuda.so.1,path:/nowhere/other.so,path:/etc/passwd",
        "open,close,open,cuInit,close",
    ] {
        same(|way| Run::new(&program, way).arg(asked));
    }
}

#[test]
fn an_older_driver_keeps_its_honest_errors() {
    let scratch = Scratch::new();
    let program = probe(&scratch);
    let asked = "open,cuGraphGetEdges_v2,cuInit,cuMemcpyBatchAsync,cuGetProcAddress_v2";
    let out = same(|way| Run::on(&program, way, &simulator("470")).arg(asked));
    assert!(out.contains("cuGraphGetEdges_v2: null"), "{out}");
    // Linked to a name it lacks: a program that would not start is told what is wrong instead.
    let linked = scratch.compile_linked("absent.c", "absent", &[]);
    let out = Run::on(&linked, Way::Preloaded, &simulator("470")).ok().out();
    assert!(out.contains("older 801"), "{out}");
}

#[test]
fn without_a_driver_a_linked_program_is_told_so() {
    let scratch = Scratch::new();
    let linked = scratch.compile_linked("absent.c", "absent", &[]);
    let outcome = Run::on(&linked, Way::Preloaded, scratch.path()).ok();
    let (out, said) = (outcome.out(), outcome.err());
    assert!(out.starts_with("100 CUDA_ERROR_NO_DEVICE \"no CUDA driver"), "{out}");
    assert!(out.contains("version 0 (100) count 100 older 100"), "{out}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("cuota: warn: no libcuda.so.1 was found"), "{said}");
    let place = scratch.path().to_str().expect("a plain path");
    assert!(["CUOTA_DRIVER", "/usr/local/nvidia/lib64", place].iter().all(|w| said.contains(w)));
    // One that will not load, where the loader would take it.
    std::fs::write(scratch.join("libcuda.so.1"), "no library").expect("it is ours");
    let outcome = Run::on(&linked, Way::Preloaded, scratch.path()).ok();
    let said = outcome.err();
    assert!(outcome.out().starts_with("100 "), "{}", outcome.out());
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("cannot be loaded as the CUDA driver"), "{said}");
}

/// After a chroot the driver is not where it was, and the program was linked to it and started.
#[test]
fn a_program_that_has_left_the_drivers_root_is_told_so() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("caged.c", "caged", &[]);
    let run = |when: &str| Run::new(&program, Way::Preloaded).arg(scratch.path()).arg(when).ok();
    let after = run("after");
    if after.out() == "may not\n" {
        eprintln!("skipped: this user may not chroot, nor make a namespace to do it in");
        return;
    }
    assert_eq!(after.out(), "100 100\n");
    let said = after.err();
    let ours: Vec<_> = said.lines().filter(|line| line.contains("libcuda.so.1")).collect();
    assert_eq!(ours.len(), 1, "{said}");
    assert!(ours[0].contains("chroot") && ours[0].contains("CUOTA_DRIVER"), "{said}");
    let before = run("before");
    assert_eq!((&*before.out(), &*before.err()), ("0 0\n", ""));
}

#[test]
fn other_preloads_before_and_after_us_see_what_they_saw() {
    let scratch = Scratch::new();
    let [a, b] = ["a", "b"].map(|name| {
        let define = format!("-DNAME=\"{name}\"");
        scratch.compile("wrapper.c", &format!("lib{name}.so"), &["-shared", "-fPIC", &define])
    });
    let program = scratch.compile_linked("linked.c", "linked", &[]);
    let ours = library();
    let with = |list: &[&Path]| {
        let list: Vec<_> = list.iter().map(|path| path.display().to_string()).collect();
        Run::new(&program, Way::Bare).env("LD_PRELOAD", list.join(":")).ok()
    };
    let bare = with(&[&a, &b]);
    assert_eq!(bare.err(), "a: passes on\nb: passes on\n");
    // `cuota run` appends: RTLD_NEXT from two libraries deep reaches us, and we the driver.
    let last = with(&[&a, &b, &ours]);
    assert_eq!((last.out(), last.err()), (bare.out(), bare.err()));
    last.assert_counts(&[("cuInit", 1), ("cuMemAlloc_v2", 2)]);
    // First in line we are before them, and what is not the driver's still reaches them.
    let first = with(&[&ours, &a, &b]);
    assert_eq!(first.out(), bare.out());
    first.assert_counts(&[("cuInit", 1), ("cuMemAlloc_v2", 2)]);
}

#[test]
fn somebody_who_wraps_dlsym_is_asked_as_before() {
    let scratch = Scratch::new();
    let interposer = scratch.compile("interposer.c", "libinterposer.so", &["-shared", "-fPIC"]);
    let program = scratch.compile("opened.c", "opened", &[]);
    let ours = library();
    for list in [[&interposer, &ours], [&ours, &interposer]] {
        let list = list.map(|path| path.display().to_string()).join(":");
        let run = Run::new(&program, Way::Bare).env("LD_PRELOAD", list);
        let outcome = run.arg("libcuda.so.1").arg("n").arg("dlsym").ok();
        assert_eq!(outcome.err(), "interposer: asked\n");
        outcome.assert_counts(&[("cuInit", 1), ("cuMemAlloc_v2", 2)]);
    }
}

#[test]
fn a_thousand_threads_at_first_resolution() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("storm.c", "storm", &[]);
    for threads in [2, 1000] {
        let outcome = Run::new(&program, Way::Preloaded).arg(threads.to_string()).ok();
        outcome.assert_counts(&[
            ("cuInit", threads),
            ("cuDeviceGetCount", threads),
            ("cuDriverGetVersion", threads),
        ]);
    }
}

/// The first needs room to join the ledger; whoever has joined needs none to speak of.
#[test]
fn a_thread_with_little_stack_may_initialise() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("small.c", "small", &[]);
    for way in [Way::Bare, Way::Preloaded, Way::Mounted] {
        let run = |level| {
            let run = Run::new(&program, way).env("CUOTA_CLIENT", "small");
            run.env("CUOTA_VRAM", "64MiB").env("CUOTA_LOG", level)
        };
        for level in ["warn", "debug"] {
            let out = run(level).arg("65536").arg("0").arg("0").ok().out();
            assert_eq!(out, "0\n0\n0\n", "{way:?}");
        }
    }
}

#[test]
fn a_constructor_may_join_a_thread_that_makes_its_first_call() {
    let scratch = Scratch::new();
    let host = scratch.compile("host.c", "host", &[]);
    let plugin =
        scratch.compile_linked("joins.c", "libjoins.so", &["-DLIBRARY", "-shared", "-fPIC"]);
    let program = scratch.compile_linked("joins.c", "joins", &[]);
    same(|way| Run::new(&host, way).arg(&plugin).arg("n").arg("-").arg("-"));
    same(|way| Run::new(&program, way));
    // By bare name, found by the loader's path.
    let path = format!("{}:{}", scratch.path().display(), simulator("").display());
    same(|way| {
        Run::new(&host, way)
            .env("LD_LIBRARY_PATH", &path)
            .arg("libjoins.so")
            .arg("n")
            .arg("-")
            .arg("-")
    });
}

#[test]
fn children_call_what_their_parent_resolved() {
    let scratch = Scratch::new();
    let program = scratch.compile("children.c", "children", &[]);
    for how in ["fork", "exec"] {
        same(|way| Run::new(&program, way).arg(how));
        let outcome = Run::new(&program, Way::Preloaded).arg(how).ok();
        outcome.assert_counts(&[("cuDriverGetVersion", 3)]);
    }
}

/// What a handler looks up is ours too, and a jump out of a hook leaves the thread as good as new.
#[test]
fn signals_inside_hooks() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("signals.c", "signals", &[]);
    let outcome = Run::new(&program, Way::Preloaded).ok();
    let out = outcome.out();
    let numbers: Vec<u64> = out.split_whitespace().map(|n| n.parse().expect("a number")).collect();
    let [calls, handled, versions] = numbers[..] else { panic!("{out}") };
    outcome.assert_counts(&[
        ("cuDriverGetVersion", versions),
        ("cuGetProcAddress_v2", calls + handled),
    ]);
    Run::new(&program, Way::Preloaded).arg("jump").ok();
}

#[test]
fn the_first_call_may_be_made_again_from_within_itself() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("reenters.c", "reenters", &[]);
    Run::new(&program, Way::Preloaded).ok();
    Run::new(&program, Way::Preloaded).arg("fork").ok();
}

/// A question loads nothing, also about a library that is linked to the driver.
#[test]
fn a_probe_for_a_linked_library_loads_no_driver() {
    let scratch = Scratch::new();
    let program = scratch.compile("probe.c", "probe", &[]);
    let linked =
        scratch.compile_linked("linked.c", "liblinked.so", &["-DLIBRARY", "-shared", "-fPIC"]);
    for mode in ["probe:", "wrong:"] {
        let asked = format!("{mode}{}", linked.display());
        same(|way| Run::new(&program, way).arg(&asked));
        let with = Run::new(&program, Way::Preloaded).arg(&asked).ok();
        assert!(with.tally().is_none(), "the driver was loaded");
    }
}

#[test]
fn a_plug_in_that_asked_can_still_be_unloaded() {
    let scratch = Scratch::new();
    let host = scratch.compile("pinned.c", "host", &["-DHOST"]);
    let plugin = scratch.compile("pinned.c", "libpinned.so", &["-shared", "-fPIC"]);
    let out = same(|way| Run::new(&host, way).arg(&plugin));
    assert_eq!(out, "gone\nstill there: 0\n");
}

#[test]
fn an_older_driver_stays_honest_through_other_handles() {
    let scratch = Scratch::new();
    let program = scratch.compile("probe.c", "probe", &[]);
    let wrapper =
        scratch.compile_linked("linked.c", "libwrapper.so", &["-DLIBRARY", "-shared", "-fPIC"]);
    let asked = format!(
        "path:{},cuInit,cuMemcpyBatchAsync,default:cuMemcpyBatchAsync,open-global,default:cuInit",
        wrapper.display()
    );
    let found = |way| {
        let out = Run::on(&program, way, &simulator("470")).arg(&asked).ok().out();
        out.lines().filter_map(|line| line.split(", ").next().map(String::from)).collect::<Vec<_>>()
    };
    assert_eq!(found(Way::Preloaded), found(Way::Bare));
}

#[test]
fn a_look_alike_of_nvml_keeps_its_own() {
    let scratch = Scratch::new();
    let program = scratch.compile("probe.c", "probe", &[]);
    let alike = scratch.compile("lookalike.c", "liblookalike.so", &["-shared", "-fPIC"]);
    let nvml = support::built("sim/libnvidia-ml.so.1");
    let asked = format!(
        "path:{},nvmlDeviceGetMemoryInfo,path:{},nvmlDeviceGetMemoryInfo",
        alike.display(),
        nvml.display()
    );
    same(|way| Run::new(&program, way).arg(&asked));
    let outcome = Run::new(&program, Way::Preloaded).env("CUOTA_TALLY", "").arg(&asked).ok();
    assert!(outcome.out().contains("found"));
}

#[test]
fn nvml_is_caught_where_it_is_opened() {
    let scratch = Scratch::new();
    let program = scratch.compile("nvml.c", "nvml", &[]);
    let out = same(|way| Run::new(&program, way));
    assert!(out.starts_with("0 "), "{out}");
    let outcome = Run::new(&program, Way::Preloaded).ok();
    assert_eq!(outcome.hook_calls().get("nvmlDeviceGetMemoryInfo"), Some(&2));
}

/// NVML opens the driver for itself on some releases: from within it, that is as good as from without.
#[test]
fn an_nvml_that_opens_the_driver() {
    let scratch = Scratch::new();
    scratch.compile(
        "nvml_opens.c",
        "libnvidia-ml.so.1",
        &["-shared", "-fPIC", "-Wl,-soname,libnvidia-ml.so.1"],
    );
    let program = scratch.compile("nvml.c", "nvml", &[]);
    let path = format!("{}:{}", scratch.path().display(), simulator("").display());
    let run = |way| Run::new(&program, way).env("LD_LIBRARY_PATH", &path);
    same(run);
    let outcome = run(Way::Preloaded).ok();
    outcome.assert_counts(&[("cuDriverGetVersion", 3), ("cuInit", 0)]);
    assert_eq!(outcome.hook_calls().get("nvmlDeviceGetMemoryInfo"), Some(&2));
}
