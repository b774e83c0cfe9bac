//! The two acts. What is told is what was observed, and remembered where it was not.
#![forbid(unsafe_code)]

use cuota_core::book::{self, DeviceReport};

use super::count::Count;
use super::player::{Answer, Player, Stage};
use crate::command::Failure;
use crate::screen::{self, hanging, print, wrapped};
use crate::sizes::short;

const GIB: u64 = 1 << 30;
/// What the leaking client takes at once, and what a request needs.
const STEP: u64 = GIB;
const REQUEST: u64 = 2 * GIB;
/// What the serving client keeps all the time.
const WEIGHTS: u64 = GIB;

/// What should have been seen and was not.
#[derive(Default)]
pub struct Missed(pub Vec<&'static str>);

impl Missed {
    fn expect(&mut self, seen: bool, what: &'static str) {
        if !seen {
            self.0.push(what);
        }
    }
}

fn tell(who: &str, what: &str) {
    print(&wrapped(&format!("  {who:<7} "), what));
}

struct Pair {
    hungry: Player,
    server: Player,
}

impl Pair {
    /// Both are there, and the server has served once.
    fn enter(
        stage: &Stage,
        quotas: [Option<&str>; 2],
        looks: u64,
        missed: &mut Missed,
    ) -> Result<Pair, Failure> {
        stage.set_up()?;
        let [hungry, server] = quotas;
        let hungry = Player::start("hungry", "dlsym", hungry, stage)?;
        let mut server = Player::start("server", "driver", server, stage)?;
        for (what, bytes) in [("take", WEIGHTS), ("serve", REQUEST)] {
            if let Answer::Refused(why) = server.ask(what, bytes)? {
                return Err(Failure::ours(format!("the server got nothing at first: {why}")));
            }
        }
        let seen = match server.ask("look", 0)? {
            Answer::Sees(bytes) => bytes,
            _ => 0,
        };
        missed.expect(seen == looks, "the server was shown another card than it should be");
        tell(
            "server",
            &format!(
                "sees a card of {}, holds {} of it; a request is served",
                short(seen),
                short(WEIGHTS)
            ),
        );
        Ok(Pair { hungry, server })
    }
}

/// Nobody has a quota: who comes first gets the card.
pub fn without(stage: &Stage, missed: &mut Missed) -> Result<(), Failure> {
    print("Act 1: no quotas\n");
    let Pair { mut hungry, mut server } = Pair::enter(stage, [None, None], super::CARD, missed)?;
    let taken = hungry.take_all(STEP)?;
    tell("hungry", &format!("takes {}: the card is full", short(taken)));
    missed.expect(taken == super::CARD - WEIGHTS, "in act 1 the card was not filled");
    let answer = server.ask("serve", REQUEST)?;
    let ended = server.end()?;
    match answer {
        Answer::Refused(why) if !ended.well => {
            tell("server", &format!("next request: {why} (out of memory). It dies."));
        }
        _ => missed.expect(false, "in act 1 the server survived"),
    }
    hungry.end().map(drop)
}

/// The same with quotas: who wants too much is the one that is refused.
pub fn with(stage: &Stage, missed: &mut Missed) -> Result<(), Failure> {
    let (quota, raised) = (10 * GIB, 12 * GIB);
    print("\nAct 2: the same with CUOTA_VRAM=10GiB for hungry, 4GiB for server\n");
    let Pair { mut hungry, mut server } =
        Pair::enter(stage, [Some("10GiB"), Some("4GiB")], 4 * GIB, missed)?;
    let taken = hungry.take_all(STEP)?;
    tell("hungry", &format!("takes {}, then runs out of memory at its own quota:", short(taken)));
    missed.expect(taken == quota, "in act 2 hungry was not stopped at its quota");
    let complaints = hungry.complaints();
    for line in complaints.lines() {
        print(&hanging("    ", "    ", line));
    }
    missed.expect(complaints.contains("refused: client hungry"), "the refusal was not explained");
    serve(&mut server, 5, missed)?;
    print("\n$ cuota ps\n");
    missed.expect(run(stage, &["ps"])?, "cuota ps failed");
    let [greedy, modest] = [device(stage, "hungry")?, device(stage, "server")?];
    missed.expect(
        (greedy.used, greedy.limit, greedy.refused) == (quota, Some(quota), 1)
            && (modest.used, modest.refused) == (WEIGHTS, 0)
            // A request's code takes some, too.
            && (WEIGHTS + REQUEST..=4 * GIB).contains(&modest.peak),
        "the ledgers do not say what happened",
    );
    print("\n$ cuota set hungry --vram 12GiB\n");
    missed.expect(run(stage, &["set", "hungry", "--vram", "12GiB"])?, "cuota set failed");
    let more = hungry.take_all(STEP)?;
    tell("hungry", &format!("gets {} more, without a restart, and no more than that", short(more)));
    let greedy = device(stage, "hungry")?;
    missed.expect(
        taken + more == raised && (greedy.used, greedy.refused) == (raised, 2),
        "the raised quota was not in force",
    );
    serve(&mut server, 1, missed)?;
    let refused = greedy.refused;
    let (hungry, server) = (hungry.end()?, server.end()?);
    missed.expect(hungry.well && server.well, "in act 2 a client died");
    let count = Count::of(&[hungry, server], refused, &stage.machine())?;
    print(&format!("\n{}", wrapped("", &count.text())));
    missed.expect(count.adds_up(), "the counts of calls differ");
    Ok(())
}

fn serve(server: &mut Player, times: u64, missed: &mut Missed) -> Result<(), Failure> {
    let mut served = 0;
    for _ in 0..times {
        match server.ask("serve", REQUEST)? {
            Answer::Done => served += 1,
            _ => break,
        }
    }
    let requests = screen::count(usize::try_from(times).unwrap_or(0), "more request");
    tell("server", &format!("{requests}: {served} served"));
    missed.expect(served == times, "in act 2 a request was refused");
    Ok(())
}

/// Runs a command of this program and shows what it says; whether it succeeded.
fn run(stage: &Stage, arguments: &[&str]) -> Result<bool, Failure> {
    let output = stage.cuota().and_then(|mut command| command.args(arguments).output());
    let output = output.map_err(|why| Failure::ours(format!("cannot start cuota: {why}")))?;
    for text in [&output.stdout, &output.stderr] {
        print(&String::from_utf8_lossy(text));
    }
    Ok(output.status.success())
}

/// The card in a client's ledger.
fn device(stage: &Stage, client: &str) -> Result<DeviceReport, Failure> {
    let report = book::read(&stage.ledgers().join(book::file_name(client)), 0)
        .map_err(|why| Failure::ours(why.to_string()))?;
    let first = report.devices.into_iter().next();
    first.ok_or_else(|| Failure::ours(format!("the ledger of {client} has no device")))
}
