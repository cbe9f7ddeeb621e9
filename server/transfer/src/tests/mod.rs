//! A week of a bad line in a second: whatever is cut when, every part arrives once and whole, and nothing goes without a receipt.
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::panic_in_result_fn,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "tests"
)]

mod courier;
mod loopback;
mod rules;
mod world;

use shared::RecordingId;

use crate::proto::{Order, Refusal, Trouble, What};
use world::{Dice, Line, SECOND, STEP, World};

const GOOD: Line = Line { rate: 12_500_000, delay: 1_000 };
const BAD: Line = Line { rate: 125_000, delay: 150_000 };

fn part(n: u64) -> What {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&n.to_be_bytes());
    What::Part(RecordingId(id), 0)
}

fn noise(dice: &mut Dice, length: u64) -> Vec<u8> {
    (0..length).map(|_| dice.below(256) as u8).collect()
}

/// Runs until the satellite has nothing left, at most so many seconds; nothing is cut any more.
fn drain(world: &mut World, dice: &mut Dice, seconds: u64) {
    let until = world.now + seconds * SECOND;
    while world.now < until && world.files.keys().any(|what| matches!(what, What::Part(..))) {
        world.connect();
        world.step(dice);
    }
}

/// Nothing is left at the satellite and everything is at the central, once, byte for byte.
fn judge(world: &World, name: &str) {
    let left: Vec<&What> = world.files.keys().filter(|what| matches!(what, What::Part(..))).collect();
    assert!(left.is_empty(), "{name}: {} left: {:?}; {:?}", left.len(), left.first(), world.troubles);
    for (what, bytes) in world.truth.iter().filter(|(what, _)| matches!(what, What::Part(..))) {
        let there = world.central.admitted.get(what).map(|(bytes, _)| bytes);
        assert!(there == Some(bytes), "{name}: {what:?}");
    }
    let mut leaves: Vec<u64> = world.central.admitted.values().map(|(_, leaf)| *leaf).collect();
    leaves.sort_unstable();
    leaves.dedup();
    assert_eq!(leaves.len(), world.central.admitted.len(), "{name}: a leaf each");
}

/// Some calls that begin, grow each second and end; `each` is asked every step.
fn calls(
    world: &mut World,
    dice: &mut Dice,
    count: u64,
    seconds: u64,
    mut each: impl FnMut(&mut World, &mut Dice),
) {
    let spans: Vec<(u64, u64)> = (0..count).map(|_| (dice.below(seconds), 2 + dice.below(seconds))).collect();
    for tick in 0..seconds * 2 * (SECOND / STEP) {
        let second = tick / (SECOND / STEP);
        for (n, (begin, length)) in spans.iter().enumerate() {
            // Each call has its own tenth of a second.
            let is_turn = tick % (SECOND / STEP) == n as u64 % (SECOND / STEP);
            if is_turn && (*begin..begin + length).contains(&second) {
                let bytes = noise(dice, 500 + dice.clone().below(1_500));
                world.grow(part(n as u64), &bytes);
                if second == begin + length - 1 {
                    world.close(part(n as u64));
                }
            }
        }
        each(world, dice);
        world.step(dice);
    }
}

#[test]
fn calls_arrive_while_they_go_on() {
    let (mut world, mut dice) = (World::new(GOOD, Order::LiveFirst), Dice(1));
    calls(&mut world, &mut dice, 60, 20, |world, _| world.connect());
    drain(&mut world, &mut dice, 10);
    judge(&world, "a good line");
    let lag = world.lag_of((0..60).map(part));
    assert!(lag < SECOND / 10, "a second of a call is there within a tenth: {lag} us");
    assert_eq!(world.troubles, []);
}

#[test]
fn whatever_is_cut_when_every_part_arrives_once_and_whole() {
    let throws = std::env::var("AMETHYST_THROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    for seed in 0..throws {
        let mut dice = Dice(seed);
        let order = if seed % 2 == 0 { Order::LiveFirst } else { Order::OldestFirst };
        let line = Line { rate: 20_000 << dice.below(10), delay: 500 << dice.below(9) };
        let mut world = World::new(line, order);
        calls(&mut world, &mut dice, 12, 10, |world, dice| match dice.below(150) {
            0 => world.cut(),
            1 if dice.below(4) == 0 => world.reboot_satellite(),
            2 if dice.below(4) == 0 => world.crash_central(dice),
            3 => world.central.crash_in = Some(dice.below(6)),
            4..30 => world.connect(),
            _ => {}
        });
        drain(&mut world, &mut dice, 600);
        judge(&world, &format!("seed {seed}, {line:?}"));
        assert_eq!(world.troubles, [], "seed {seed}");
    }
}

#[test]
fn a_backlog_drains_over_a_bad_line_and_live_calls_do_not_wait_for_it() {
    let (mut world, mut dice) = (World::new(BAD, Order::LiveFirst), Dice(5));
    for n in 1_000..1_040 {
        let bytes = noise(&mut dice, 60_000);
        world.grow(part(n), &bytes);
        world.close(part(n));
    }
    // Two calls of 64 kbit/s on a line of 1 Mbit/s with 2.4 MB behind them.
    for _ in 0..30 {
        for n in 0..2 {
            let bytes = noise(&mut dice, 8_000);
            world.grow(part(n), &bytes);
        }
        for _ in 0..SECOND / STEP {
            world.connect();
            world.step(&mut dice);
        }
    }
    assert!(
        world.central.admitted.len() > 20,
        "the backlog goes on beside them: {}",
        world.central.admitted.len()
    );
    let live = world.lag_of([part(0), part(1)]);
    assert!(live < 2 * SECOND, "a second of a call is at the central within two: {live} us");
    (0..2).for_each(|n| world.close(part(n)));
    drain(&mut world, &mut dice, 60);
    judge(&world, "a bad line");
}

#[test]
fn a_line_that_is_cut_for_an_hour_loses_nothing() {
    let (mut world, mut dice) = (World::new(GOOD, Order::OldestFirst), Dice(9));
    for n in 0..3_600 {
        let bytes = noise(&mut dice, 200);
        world.grow(part(n), &bytes);
        world.close(part(n));
        world.now += SECOND;
    }
    drain(&mut world, &mut dice, 120);
    judge(&world, "an hour");
}

/// An hour of calls without a line, the satellite's program killed twice in it; then the central loses its power while it drains.
#[test]
fn an_hour_s_cut_with_reboots_in_it_and_a_central_that_dies_loses_nothing() {
    let (mut world, mut dice) = (World::new(BAD, Order::LiveFirst), Dice(11));
    world.connect();
    world.grow(part(0), &noise(&mut dice, 9_000));
    (0..SECOND / STEP).for_each(|_| world.step(&mut dice));
    world.cut();
    // Each call lasts ten seconds and grows each second; what was going on at a reboot ends with what stood in its file.
    for second in 0..3_600_u64 {
        let bytes = noise(&mut dice, 300);
        world.grow(part(second / 10), &bytes);
        if second % 10 == 9 {
            world.close(part(second / 10));
        }
        if matches!(second, 1_234 | 2_715) {
            world.close(part(second / 10));
            world.reboot_satellite();
            world.now += 6 * SECOND;
        }
        world.now += SECOND;
    }
    assert!(world.central.admitted.is_empty(), "nothing went through a cut line");
    assert_eq!(world.files.len(), 360, "and nothing was let go");
    for n in 0..12 {
        world.connect();
        (0..40 + dice.below(200)).for_each(|_| world.step(&mut dice));
        if n % 3 == 0 { world.reboot_satellite() } else { world.crash_central(&mut dice) }
    }
    assert!(!world.central.admitted.is_empty(), "some came between two crashes");
    drain(&mut world, &mut dice, 120);
    judge(&world, "an hour with reboots");
    assert_eq!(world.troubles, []);
}

#[test]
fn what_is_refused_for_now_comes_later_and_what_differs_stays_and_is_told() {
    let (mut world, mut dice) = (World::new(GOOD, Order::LiveFirst), Dice(2));
    world.grow(part(1), &[1; 500]);
    world.close(part(1));
    world.central.refuse_next = Some(Refusal::NotNow);
    drain(&mut world, &mut dice, 50);
    assert_eq!(world.troubles, [(part(1), Trouble::Refused(Refusal::NotNow))], "told");
    drain(&mut world, &mut dice, 20);
    judge(&world, "after a minute");

    world.grow(part(2), &[2; 500]);
    drain(&mut world, &mut dice, 1);
    world.files.get_mut(&part(2)).unwrap().bytes = [&[9; 500][..], &[3; 100]].concat();
    world.cut();
    world.grow(part(2), &[]);
    world.close(part(2));
    drain(&mut world, &mut dice, 5);
    assert!(world.troubles.contains(&(part(2), Trouble::Refused(Refusal::Unsound))), "{:?}", world.troubles);
    assert!(
        world.files.contains_key(&part(2)) && !world.central.admitted.contains_key(&part(2)),
        "both keep theirs"
    );
}

#[test]
fn a_receipt_for_something_else_lets_nothing_go() {
    let (mut world, mut dice) = (World::new(GOOD, Order::LiveFirst), Dice(3));
    world.forged = true;
    world.grow(part(1), &[1; 500]);
    world.close(part(1));
    drain(&mut world, &mut dice, 5);
    assert_eq!(world.troubles, [(part(1), Trouble::BadReceipt)]);
    assert!(world.files.contains_key(&part(1)));
}

#[test]
fn the_ledger_goes_first_and_stays() {
    let (mut world, mut dice) = (World::new(BAD, Order::LiveFirst), Dice(4));
    world.grow(part(1), &noise(&mut dice, 400_000));
    world.grow(What::Ledger(1), &[7; 64]);
    (0..200).for_each(|_| {
        world.connect();
        world.step(&mut dice);
    });
    world.close(part(1));
    drain(&mut world, &mut dice, 60);
    judge(&world, "a part");
    assert!(world.files.contains_key(&What::Ledger(1)), "no receipt is asked for a ledger");
    assert!(world.is_connected());
}
