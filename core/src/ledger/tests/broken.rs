//! The algorithm stands every scenario; without any one of its steps it does not.

use super::super::Rules;
use super::super::rules::Exact;
use super::scenarios::explore;

#[test]
fn exact_whoever_stops_where() {
    let (failure, tried) = explore::<Exact>();
    println!("{tried} ways");
    assert_eq!(failure, None);
    assert!(tried > 100_000, "only {tried} ways were tried");
}

macro_rules! broken {
    ($($test:ident: $step:ident;)*) => {$(
        #[test]
        fn $test() {
            struct Broken;
            impl Rules for Broken {
                const $step: bool = false;
            }
            let (failure, tried) = explore::<Broken>();
            println!("{}: {failure:?} after {tried} ways", stringify!($step));
            assert!(failure.is_some(), "nothing notices a ledger without {}", stringify!($step));
        }
    )*};
}

broken! {
    without_help: HELPS;
    in_two_steps: WHOLE;
    without_writing_notes_anew: WRITES_NOTES_ANEW;
    without_counting_reaps: COUNTS_REAPS;
    without_looking_at_the_owner_again: RECHECKS_OWNER;
    reaping_blindly: RECHECKS_NUMBER;
    without_announcing_a_limit: ANNOUNCES_LIMIT;
    with_the_limit_read_first: LIMIT_AFTER_TOTAL;
    without_looking_at_the_limit_again: RECHECKS_LIMIT;
}
