//! Many runs of users who do anything at any time, over networks of every kind. A seed that fails
//! is printed; the same seed gives the same run. Everything that goes over the wires is judged by the
//! checker, which knows only the RFCs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use sems_sim::{Chance, Conditions, Pair};
use sems_sip::Method;
use sems_sip::user_agent::UserAgentConfig;

fn config() -> UserAgentConfig {
    UserAgentConfig {
        methods: vec![Method::Info],
        // So short that sessions are refreshed, and expire, while the users play.
        session_expires: 90,
        ..Default::default()
    }
}

/// The seeds to try: `SEMS_SIM_SEEDS` asks for more, `SEMS_SIM_SEED` for a single one.
fn seeds(default: u64) -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    match number("SEMS_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEMS_SIM_SEEDS").unwrap_or(default),
    }
}

fn for_each_seed(default: u64, run: impl Fn(u64)) {
    for seed in seeds(default) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(seed))) {
            let thread = std::thread::current();
            let test = thread.name().unwrap_or_default();
            eprintln!(
                "failed with seed {seed}; to see it again: \
                 SEMS_SIM_SEED={seed} cargo test -p sems-sim --test chance {test}"
            );
            std::panic::resume_unwind(panic);
        }
    }
}

/// Ends everything, and what still rings because of an INVITE that was on its way; then nothing
/// must be left.
fn end(chance: &mut Chance, pair: &mut Pair) {
    for _ in 0..2 {
        chance.hang_up_all(pair);
        pair.run_until_idle();
    }
    pair.assert_nothing_is_left();
}

#[test]
fn nothing_is_left_of_any_call_whatever_its_users_and_the_network_do() {
    for_each_seed(300, |seed| {
        let loss = (seed % 8) as f64 * 0.1;
        let conditions = Conditions::bad(loss, 0.1);
        let mut pair = Pair::with(seed, conditions, config());
        let mut chance = Chance::new(seed);
        chance.act(&mut pair, 60);
        end(&mut chance, &mut pair);
    });
}

#[test]
fn both_ends_of_a_call_agree_whether_it_is_up() {
    for_each_seed(300, |seed| {
        let mut pair = Pair::with(seed, Conditions::bad(0.15, 0.15), config());
        let mut chance = Chance::new(seed);
        chance.act(&mut pair, 60);
        for _ in 0..10 {
            chance.answer_all(&mut pair);
            chance.pass(&mut pair, Duration::from_secs(20));
        }
        // One may end in this very instant: then its BYE is under way, and arrives.
        let torn = chance.torn(&mut pair);
        chance.pass(&mut pair, Duration::from_secs(20));
        let still = chance.torn(&mut pair);
        let both = still.iter().find(|call| torn.contains(call));
        assert_eq!(both, None, "up at one end alone");
        end(&mut chance, &mut pair);
    });
}

#[test]
fn it_is_so_too_when_each_way_has_a_weather_of_its_own() {
    for_each_seed(300, |seed| {
        // From good to hardly anything, each side's way out independent of the other's.
        let weather = |kind: u64| Conditions {
            late: [0.0, 0.02, 0.1][(kind % 3) as usize],
            ..match kind % 5 {
                0 => Conditions::perfect(),
                1 => Conditions::bad(0.05, 0.0),
                2 => Conditions::bad(0.0, 0.5),
                3 => Conditions::bad(0.3, 0.1),
                _ => Conditions::bad(0.6, 0.2),
            }
        };
        let mut pair = Pair::with(seed, weather(seed), config());
        let from_b = pair.b.address;
        pair.net.set_conditions_from(from_b, weather(seed / 15));
        let mut chance = Chance::new(seed);
        chance.act(&mut pair, 60);
        end(&mut chance, &mut pair);
    });
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let mut pair = Pair::with(7, Conditions::bad(0.2, 0.1), config());
        let mut chance = Chance::new(7);
        chance.act(&mut pair, 100);
        let wire = pair.net.wire.iter();
        wire.map(|(at, datagram)| (*at - pair.start, datagram.clone()))
            .collect::<Vec<_>>()
    };
    let first = run();
    assert!(first.len() > 100);
    assert_eq!(first, run());
}
