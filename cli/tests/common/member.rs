//! Real members of clients: CUDA programs on a simulated card that do what they are told.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::{Folder, cuota, library, simulated};

pub const GIB: u64 = 1 << 30;

pub struct Member {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// The environment of a CUDA program on the folder's 16 GiB card, its ledgers in `ledgers`.
pub fn on_card<'a>(command: &'a mut Command, folder: &Folder, ledgers: &Path) -> &'a mut Command {
    command
        .env("CUOTA_DIR", ledgers)
        .env("CUOTA_DRIVER", simulated(""))
        .env("CUOTA_SIM", folder.path("machine"))
        .env("CUOTA_SIM_BYTES", "16GiB")
        .env("CUOTA_LOG", "error")
}

/// Two members of `held` that MPS holds to 30 % of 132 SMs; one of `not-held`, which asks for as much
/// without MPS; one of `silent`, which asks for nothing; one of `reserved`, which is in a partition of 32.
pub fn sharing(folder: &Folder) -> [Member; 5] {
    // Where NVML is, which knows how many there are.
    let libraries = simulated("").parent().expect("a folder").display().to_string();
    let nvml = ("LD_LIBRARY_PATH", libraries.as_str());
    let under_mps = [("CUOTA_SIM_MPS", "1"), ("CUOTA_SM", "30%"), ("CUOTA_LOG", "off"), nvml];
    let member = |client, set| Member::start(folder, client, set);
    let held = [(); 2].map(|()| member("held", &under_mps));
    let [one, two] = held;
    let partition = [
        ("CUOTA_SIM_MPS_PARTITIONS", "GPU-63756f74-6173-696d-0000-000000000001/1=32"),
        ("CUDA_MPS_SM_PARTITION", "GPU-63756f74-6173-696d-0000-000000000001/1"),
    ];
    let in_partition = [&under_mps[..], &partition].concat();
    let reserved = member("reserved", &in_partition);
    [one, two, member("not-held", &under_mps[1..]), member("silent", &[]), reserved]
}

impl Member {
    pub fn start(folder: &Folder, client: &str, settings: &[(&str, &str)]) -> Member {
        let mut command = cuota(["demo-client", "dlsym"]);
        on_card(&mut command, folder, &folder.path("ledgers"))
            .env("LD_PRELOAD", library())
            .env("CUOTA_CLIENT", client)
            .envs(settings.iter().copied());
        Member::of(&mut command)
    }

    /// A program that is started already under the library, and has got as far as a context.
    pub fn of(command: &mut Command) -> Member {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let mut member = Member { child, input, output };
        assert_eq!(member.hear(), "ready");
        member
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it was given so many bytes, which it keeps.
    pub fn takes(&mut self, bytes: u64) -> bool {
        writeln!(self.input.as_mut().expect("alive"), "take {bytes}").expect("it listens");
        match self.hear().as_str() {
            "done" => true,
            "refused cuMemAlloc_v2 answered 2" => false,
            other => panic!("{other:?}"),
        }
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("text");
        line.trim_end().to_owned()
    }

    pub fn killed(mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("ours to kill");
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}
