//! `cuota run --retry`: a command that has left after a fault is started again, once the server takes it.

mod common;

use std::process::Command;

use common::member::{Member, on_card};
use common::{Folder, cuota, ended, simulated};

/// The first time its work faults; after that it says so and ends well.
const PROGRAM: &str = r#"
#include <stdio.h>
#include <unistd.h>
extern int cuInit(unsigned), cuDevicePrimaryCtxRetain(void **, int), cuCtxSetCurrent(void *);
extern int cuCtxGetFlags(unsigned *), cuStreamQuery(void *);
int main(int count, char **arguments)
{
    void *context;
    unsigned flags;
    int code = cuInit(0);
    if (code)
        return printf("cuInit %d\n", code), 9;
    if (cuDevicePrimaryCtxRetain(&context, 0) || cuCtxSetCurrent(context))
        return 8;
    if (access(arguments[1], F_OK))
        return puts("well"), 0;
    unlink(arguments[1]);
    if (count > 2)
        unlink(arguments[2]);
    cuCtxGetFlags(&flags);
    return cuStreamQuery(0) ? 7 : 6;
}
"#;

struct Scene {
    folder: Folder,
    program: String,
}

impl Scene {
    fn new(name: &str) -> Scene {
        let folder = Folder::new(name);
        folder.ledgers();
        let driver = simulated("");
        let place = driver.parent().expect("a folder").display().to_string();
        let options = [&format!("-L{place}"), "-lcuda", "-Wl,--allow-shlib-undefined"];
        let program = folder.compiled("program", PROGRAM, &options).expect("gcc");
        folder.file("faults", "");
        Scene { folder, program: program.display().to_string() }
    }

    fn command(&self, options: &[&str], mps: &str, more: &[&str]) -> Command {
        let faults = self.folder.path("faults").display().to_string();
        let all =
            [&["run"], options, &["--client", "it", "--", &self.program, &faults], more].concat();
        let mut command = cuota(all);
        on_card(&mut command, &self.folder, &self.folder.path("ledgers"))
            .env("LD_LIBRARY_PATH", simulated("").parent().expect("a folder"))
            // No daemon answers: only the driver says that it is there.
            .env("CUOTA_MPS", "prefer")
            .env("CUOTA_SIM_MPS", mps)
            .env("CUOTA_SIM_FAULT", "cuCtxGetFlags:1=fault");
        command
    }
}

#[test]
fn what_has_left_after_a_fault_is_started_again() {
    let scene = Scene::new("retry");
    let (status, out, err) = ended(&mut scene.command(&["--retry", "2"], "1", &[]));
    assert_eq!((status, out.as_str()), (Some(0), "well\n"), "{err}");
    assert!(err.contains("left after a fault (status 75)"), "{err}");
    // Not more often than was said, and not at all without it.
    scene.folder.file("faults", "");
    let (status, out, _) = ended(&mut scene.command(&[], "1", &[]));
    assert_eq!((status, out.as_str()), (Some(7), ""), "kept on");
    scene.folder.file("faults", "");
    let mut command = scene.command(&[], "1", &[]);
    let (status, ..) = ended(command.env("CUOTA_ON_FAULT", "exit"));
    assert_eq!(status, Some(75));
}

#[test]
fn while_the_server_takes_nobody_new_it_is_waited_for() {
    let scene = Scene::new("retry-waits");
    let set = [("CUOTA_SIM_MPS", "1"), ("CUOTA_LOG", "off")];
    let victim = Member::start(&scene.folder, "victim", &set);
    let options = ["--retry", "2", "--retry-wait", "300ms"];
    let (status, _, err) = ended(&mut scene.command(&options, "1", &[]));
    assert_eq!(status, Some(125), "{err}");
    assert!(err.contains("refused new clients (807)") && err.contains("cuota ps"), "{err}");
    // It goes on as soon as the last is gone.
    let mut child = scene.command(&["--retry", "2"], "1", &[]);
    let child = child.stdout(std::process::Stdio::piped()).spawn().expect("it starts");
    victim.killed();
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.stdout, b"well\n");
}

#[test]
fn what_would_run_beside_mps_is_not_started_again() {
    let scene = Scene::new("retry-beside");
    let daemon = scene.folder.file("daemon", "").display().to_string();
    let (status, out, err) = ended(&mut scene.command(&["--retry", "2"], &daemon, &[&daemon]));
    assert_eq!((status, out.as_str()), (Some(125), ""), "{err}");
    assert!(err.contains("beside MPS") && err.contains("cuota mps status"), "{err}");
    // Nobody spoke of MPS: then it is started again as it was.
    scene.folder.file("faults", "");
    let (status, out, err) = ended(&mut scene.command(&["--retry", "2"], "", &[]));
    assert_eq!((status, out.as_str()), (Some(0), "well\n"), "{err}");
}
