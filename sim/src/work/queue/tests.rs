use super::*;

/// A queue, and what it did in which order.
struct Bench {
    queue: Arc<Queue>,
    done: Arc<Mutex<Vec<u32>>>,
}

impl Bench {
    fn new() -> Bench {
        machine::open().unwrap();
        Bench { queue: Arc::new(Queue::new(0)), done: Arc::default() }
    }

    fn note(&self, number: u32) -> Step {
        let done = self.done.clone();
        Step::Do(Box::new(move || locked(&done).push(number)))
    }

    fn push(&self, step: Step, now: u64) {
        self.queue.push([step], Vec::new(), now, 0);
    }

    fn mark(&self, now: u64) -> Arc<Moment> {
        let moment = Arc::<Moment>::default();
        self.push(Step::Mark(moment.clone()), now);
        moment
    }

    fn done(&self) -> Vec<u32> {
        locked(&self.done).clone()
    }
}

fn busy(ns: u64) -> Step {
    Step::Busy { ns, sms: 1 }
}

#[test]
fn an_idle_queue_does_work_at_once() {
    let bench = Bench::new();
    bench.push(bench.note(1), 10);
    assert_eq!(bench.done(), [1]);
    assert_eq!(bench.mark(12).reached(), Some(12));
    assert!(bench.queue.idle());
}

#[test]
fn the_device_goes_on_where_it_ended_not_where_it_was_looked_at() {
    let bench = Bench::new();
    bench.push(busy(100), 10);
    bench.push(busy(100), 20);
    let between = bench.mark(30);
    bench.push(busy(50), 40);
    bench.push(bench.note(1), 40);
    let end = bench.mark(50);
    assert_eq!(bench.queue.look(109, 0), (false, Outlook::At(110)));
    assert_eq!(bench.queue.look(1000, 0), (true, Outlook::Idle));
    assert_eq!((between.reached(), end.reached(), bench.done()), (Some(210), Some(260), vec![1]));
    // Idle since 260: what comes later starts when it comes.
    bench.push(busy(1), 2000);
    assert_eq!(bench.queue.look(2000, 0), (false, Outlook::At(2001)));
}

#[test]
fn a_point_is_passed_after_all_before_it() {
    let (one, two) = (Bench::new(), Bench::new());
    one.push(busy(100), 0);
    let point = one.queue.end();
    two.queue.push([two.note(1), two.note(2)], vec![point.clone()], 0, 0);
    assert_eq!(two.queue.look(50, 0), (false, Outlook::Blocked));
    assert!(!point.passed());
    one.queue.look(100, 0);
    assert!(point.passed());
    assert_eq!(two.queue.look(120, 0), (true, Outlook::Idle));
    assert_eq!(two.done(), [1, 2]);
    assert_eq!(two.mark(130).reached(), Some(130));
}

#[test]
fn waits_end_at_the_moment_they_were_met() {
    let bench = Bench::new();
    let gate = Arc::<Moment>::default();
    let waited_for = gate.clone();
    bench.push(Step::Until(Box::new(move || waited_for.reached())), 5);
    let after = bench.mark(6);
    assert_eq!(bench.queue.look(10, 0), (false, Outlook::Poll));
    gate.reach(70);
    bench.queue.look(500, 0);
    assert_eq!(after.reached(), Some(70));
}

#[test]
fn a_broken_context_skips_work_but_passes_marks() {
    let bench = Bench::new();
    bench.push(busy(1_000_000), 0);
    bench.push(Step::Until(Box::new(|| None)), 0);
    bench.push(bench.note(1), 0);
    let mark = bench.mark(0);
    assert_eq!(bench.queue.look(10, 700), (true, Outlook::Idle));
    assert_eq!((bench.done(), mark.reached().is_some()), (vec![], true));
}

#[test]
fn the_engine_is_told_once_of_a_queue_that_is_not_idle() {
    let bench = Bench::new();
    assert!(!bench.queue.push([busy(0)], Vec::new(), 0, 0));
    assert!(bench.queue.push([busy(10)], Vec::new(), 0, 0));
    assert!(!bench.queue.push([busy(10)], Vec::new(), 0, 0));
    assert!(!bench.queue.unlist());
    bench.queue.look(100, 0);
    assert!(bench.queue.unlist());
    assert!(bench.queue.push([busy(10)], Vec::new(), 100, 0));
}

#[test]
fn a_task_that_panics_is_done() {
    let bench = Bench::new();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        bench.push(Step::Do(Box::new(|| panic!("as asked"))), 0);
    }));
    assert!(outcome.is_err());
    bench.push(bench.note(1), 0);
    assert_eq!(bench.done(), [1]);
    assert!(bench.queue.idle());
}

#[test]
fn host_code_runs_elsewhere_and_holds_up_what_follows() {
    let bench = Bench::new();
    let (give, take) = std::sync::mpsc::channel::<()>();
    let thread = Arc::new(Mutex::new(None));
    let seen = thread.clone();
    let job = move |_| {
        *locked(&seen) = Some(std::thread::current().id());
        take.recv().unwrap();
    };
    bench.push(Step::Host(Box::new(job)), 0);
    bench.push(bench.note(1), 0);
    assert_eq!(bench.queue.look(10, 0), (false, Outlook::Blocked));
    give.send(()).unwrap();
    while bench.queue.look(20, 0).1 != Outlook::Idle {
        std::thread::yield_now();
    }
    assert_eq!(bench.done(), [1]);
    assert_ne!(*locked(&thread), Some(std::thread::current().id()));
}
