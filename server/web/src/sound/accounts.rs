//! The account of each recorder on a day, and the numbers that are missing in it: each must add up by itself.

use std::collections::BTreeMap;

use api::{LedgerGap, LedgerRecorder, LedgerTotals};
use shared::RecorderId;
use vault::{LedgerRow, SatelliteRow};

/// Gaps that are listed; the rest is in the sum.
const GAPS_MAX: usize = 100;

/// Adds up rows of one day.
pub(super) fn totals<'a>(rows: impl Iterator<Item = &'a LedgerRow>) -> LedgerTotals {
    let mut totals = LedgerTotals::default();
    for row in rows {
        totals.signalled = totals.signalled.saturating_add(1);
        let slot = match class(row) {
            0 => &mut totals.not_recorded,
            1 => &mut totals.partly,
            2 => &mut totals.open,
            _ => &mut totals.recorded,
        };
        *slot = slot.saturating_add(1);
    }
    totals
}

/// 0 not recorded, 1 partly, 2 still open, 3 recorded.
pub(super) fn class(row: &LedgerRow) -> u8 {
    match row.ending.map(|ending| ending.end.numbers().0) {
        Some(3) => 0,
        Some(2) => 1,
        None => 2,
        Some(_) => 3,
    }
}

/// Tells whether the sums agree.
pub(super) fn balanced(totals: &LedgerTotals) -> bool {
    let sum = [totals.recorded, totals.partly, totals.not_recorded, totals.open];
    totals.signalled == sum.iter().fold(0, |all: u64, n| all.saturating_add(*n))
}

/// Makes the accounts of a day: this server's first, then the satellites' by letter, those without a call on that day included, unless
/// they were revoked.
pub(super) fn accounts(
    rows: &[LedgerRow],
    satellites: &[SatelliteRow],
    own: (RecorderId, char),
) -> Vec<LedgerRecorder> {
    let mut of: BTreeMap<RecorderId, Vec<&LedgerRow>> = BTreeMap::new();
    rows.iter().for_each(|row| of.entry(row.recorder_id).or_default().push(row));
    of.entry(own.0).or_default();
    for satellite in satellites.iter().filter(|row| row.revoked.is_none()) {
        of.entry(satellite.recorder_id).or_default();
    }
    let mut accounts: Vec<LedgerRecorder> = of
        .into_iter()
        .map(|(id, rows)| {
            let satellite = satellites.iter().find(|row| row.recorder_id == id);
            let letter =
                satellite.map(|row| row.letter).or_else(|| rows.first().map(|row| row.reference.letter));
            let (missing, gaps) = missing(&rows);
            let totals = totals(rows.into_iter());
            LedgerRecorder {
                id: id.to_string(),
                letter: letter.unwrap_or(own.1).to_string(),
                name: satellite.map(|row| row.name.clone()),
                totals,
                balanced: balanced(&totals) && missing == 0,
                missing,
                gaps,
            }
        })
        .collect();
    accounts.sort_by_key(|account| (account.id != own.0.to_string(), account.letter.clone()));
    accounts
}

/// Finds the numbers of the day that nobody accounts for: references count from 1 without a hole.
fn missing(rows: &[&LedgerRow]) -> (u64, Vec<LedgerGap>) {
    let mut numbers: Vec<u32> = rows.iter().map(|row| row.reference.sequence).collect();
    numbers.sort_unstable();
    let (mut next, mut missing, mut gaps) = (1_u32, 0_u64, Vec::new());
    for number in numbers {
        if let Some(last) = number.checked_sub(1).filter(|last| *last >= next) {
            missing = missing.saturating_add(u64::from(number.saturating_sub(next)));
            gaps.push(LedgerGap { from: next, to: last });
        }
        next = next.max(number.saturating_add(1));
    }
    gaps.truncate(GAPS_MAX);
    (missing, gaps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::{Day, LedgerEnd, LedgerNo, NotRecorded, RecordingId, Reference, UtcMicros};
    use vault::LedgerEnding;

    fn row(who: u8, sequence: u32, ended: bool) -> LedgerRow {
        let end = LedgerEnd::NotRecorded(NotRecorded::Rule);
        let day = Day::from_yyyymmdd(20_261_123).unwrap();
        LedgerRow {
            recorder_id: RecorderId([who; 16]),
            ledger_no: LedgerNo(1_000 + u64::from(sequence)),
            reference: Reference { letter: char::from(b'A' + who), day, sequence },
            recording_id: RecordingId([who; 16]),
            opened_at: UtcMicros(0),
            ending: ended.then_some(LedgerEnding { end, rule: None, at: UtcMicros(1) }),
            caller: String::new(),
            called: String::new(),
        }
    }

    #[test]
    fn each_recorder_adds_up_by_itself_and_holes_in_its_numbers_are_said() {
        let own = (RecorderId([0; 16]), 'A');
        let check = |sequences: &[u32], expected: &[(u32, u32)]| {
            let rows: Vec<LedgerRow> = sequences.iter().map(|n| row(1, *n, true)).collect();
            let accounts = accounts(&rows, &[], own);
            let account = accounts.iter().find(|account| account.letter == "B").unwrap();
            let gaps: Vec<(u32, u32)> = account.gaps.iter().map(|gap| (gap.from, gap.to)).collect();
            assert_eq!(gaps, expected, "{sequences:?}");
            let all: u64 = expected.iter().map(|(from, to)| u64::from(to - from + 1)).sum();
            assert_eq!((account.missing, account.balanced), (all, all == 0), "{sequences:?}");
        };
        check(&[1, 2, 3], &[]);
        check(&[3, 1, 2], &[]);
        check(&[2], &[(1, 1)]);
        check(&[1, 5, 6, 9], &[(2, 4), (7, 8)]);
        check(&[u32::MAX], &[(1, u32::MAX - 1)]);
        let rows = [row(0, 1, true), row(1, 1, false), row(1, 2, true)];
        let accounts = accounts(&rows, &[], own);
        let sums: Vec<_> =
            accounts.iter().map(|a| (a.letter.as_str(), a.totals.signalled, a.totals.open)).collect();
        assert_eq!(sums, [("A", 1, 0), ("B", 2, 1)]);
        let many: Vec<LedgerRow> = (1..500).map(|n| row(1, n * 2, true)).collect();
        let account = super::accounts(&many, &[], own).pop().unwrap();
        assert_eq!((account.missing, account.gaps.len()), (499, GAPS_MAX));
    }
}
