//! Several at once, in order: what one store takes long for is waiting.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use crate::carrier::{Carried, CarryError, CarryKind};

/// Requests under way at once. More would help on long lines; it is what a store accepts from a polite client.
const AT_ONCE: usize = 8;

enum Told<T> {
    Progress(u64),
    Done(usize, Carried<T>),
}

/// Does `work` for each item, several at once, and returns what came of them in their order. After an error no further one is begun;
/// the first error in order is returned.
///
/// # Errors
/// That of the work.
pub(super) fn each<I: Sync, T: Send>(
    items: &[I],
    work: &(dyn Fn(&I, &dyn Fn(u64)) -> Carried<T> + Sync),
    progress: &mut dyn FnMut(u64),
) -> Carried<Vec<T>> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (tell, told) = channel();
    let mut done: Vec<Option<Carried<T>>> = items.iter().map(|_| None).collect();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(items.len()) {
            let (tell, next, failed) = (tell.clone(), &next, &failed);
            scope.spawn(move || {
                while !failed.load(Ordering::Relaxed) {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(nth) else { return };
                    // Who hears it lives longer than this thread.
                    let result = work(item, &|bytes| drop(tell.send(Told::Progress(bytes))));
                    if result.is_err() {
                        failed.store(true, Ordering::Relaxed);
                    }
                    drop(tell.send(Told::Done(nth, result)));
                }
            });
        }
        drop(tell);
        for told in told {
            match told {
                Told::Progress(bytes) => progress(bytes),
                Told::Done(nth, result) => {
                    if let Some(slot) = done.get_mut(nth) {
                        *slot = Some(result);
                    }
                }
            }
        }
    });
    if let Some(error) = done.iter_mut().find_map(|slot| slot.take_if(|result| result.is_err())) {
        return error.map(|_never| Vec::new());
    }
    let lost = || CarryError { kind: CarryKind::Gone, text: "a request was never made".to_owned() };
    done.into_iter().map(|slot| slot.unwrap_or_else(|| Err(lost()))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_and_all_progress_is_heard() {
        let items: Vec<u64> = (0..100).collect();
        let mut sum = 0;
        let work = |n: &u64, told: &dyn Fn(u64)| {
            told(*n);
            Ok(n * 2)
        };
        let done = each(&items, &work, &mut |bytes| sum += bytes).unwrap();
        assert_eq!(done, items.iter().map(|n| n * 2).collect::<Vec<_>>());
        assert_eq!(sum, items.iter().sum::<u64>());
        assert_eq!(each(&[], &work, &mut |_| ()).unwrap(), Vec::<u64>::new());
    }

    #[test]
    fn an_error_ends_it() {
        let items: Vec<u64> = (0..10_000).collect();
        let begun = AtomicUsize::new(0);
        let work = |n: &u64, _: &dyn Fn(u64)| {
            begun.fetch_add(1, Ordering::Relaxed);
            if *n < 20 { Ok(()) } else { Err(CarryError { kind: CarryKind::Full, text: n.to_string() }) }
        };
        assert_eq!(each(&items, &work, &mut |_| ()).unwrap_err().kind, CarryKind::Full);
        assert!(begun.load(Ordering::Relaxed) < 1_000, "it went on");
    }
}
