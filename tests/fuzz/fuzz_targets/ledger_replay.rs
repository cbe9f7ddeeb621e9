//! Arbitrary records as a ledger file, twice: whatever replay accepts it accounts for in full, goes on from, and says again.
//!
//! The journal is compiled in by its path, so that no SQL engine is built to fuzz two hundred lines that know no SQL.
//! The input is the 128 octets of the header and records of 64. A checksum would stop every mutation at the door, so the
//! target writes the right one wherever the record's last octet (of its old checksum) is even.
#![no_main]

use std::collections::BTreeSet;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use shared::{Day, LedgerEnd, NotRecorded, RecorderId, RecordingId, UtcMicros};
use store::Disk as _;
use store::testing::FaultyDisk;

#[allow(dead_code, unused_imports, reason = "what the rest of the vault uses of it")]
#[path = "../../../server/vault/src/journal/mod.rs"]
mod journal;

use journal::{Ledger, LedgerOwner};

/// What the journal needs of the vault's errors.
#[derive(Debug)]
#[allow(dead_code, reason = "read by Debug")]
enum VaultError {
    Store(store::StoreError),
    Newer { what: &'static str, found: u32, known: u32 },
    LedgerOwner { path: String },
    LedgerDamaged { path: String },
    LedgerFull,
}

impl From<store::StoreError> for VaultError {
    fn from(error: store::StoreError) -> Self {
        Self::Store(error)
    }
}

type Result<T> = std::result::Result<T, VaultError>;

const MAGIC: &[u8; 12] = b"\x89AMLEDG\x1a\x01\x00\x80\x00";

fuzz_target!(|bytes: &[u8]| {
    let mut file = bytes.to_vec();
    if let Some(head) = file.first_chunk_mut::<12>() {
        *head = *MAGIC;
    }
    let head = file.len().min(128);
    let (header, records) = file.split_at_mut(head);
    close(header);
    records.chunks_mut(64).for_each(close);

    let disk = FaultyDisk::new();
    disk.mkdir_all("spool").expect("a disk in memory");
    let mut written = disk.create_new("spool/ledger-00000001.aml").expect("a new file");
    written.append(&[&file]).expect("memory takes it");
    written.sync().expect("memory takes it");
    disk.sync_dir("spool").expect("memory takes it");
    let letter = file.get(12).copied().map_or('A', char::from);
    let recorder_id =
        file.get(16..32).and_then(|id| id.try_into().ok()).map_or_else(RecorderId::default, RecorderId);
    let owner = LedgerOwner { recorder_id, letter };
    let disk: Arc<dyn store::Disk> = Arc::new(disk);
    let Ok((mut ledger, first)) = Ledger::open(disk.clone(), owner) else { return };
    let missing: BTreeSet<u64> = first.missing.iter().map(|no| no.0).collect();
    assert_eq!(missing.len(), first.missing.len(), "a missing number is said once");
    assert!(
        ledger.open_entries().all(|entry| !missing.contains(&entry.ledger_no.0)),
        "a missing number has ended"
    );
    let ended: BTreeSet<u64> = first.ended.iter().map(|end| end.entry.ledger_no.0).collect();
    assert!(missing.is_subset(&ended), "and is said to have");

    // The recorder goes on, and the power goes: the second start finds what the first one made durable, and nothing to mend.
    let at = UtcMicros(1_800_000_000_000_000);
    let day = Day::from_yyyymmdd(2027_01_15).expect("a day");
    let given = ledger.allot(RecordingId([9; 16]), at, day);
    if let Ok((no, _)) = given {
        assert!(no > ledger.durable() && !missing.contains(&no.0), "a number is given once");
        ledger.end(no, LedgerEnd::NotRecorded(NotRecorded::Crash), None, at);
    }
    ledger.commit().expect("memory takes it");
    let (open, durable) = (ledger.open_entries().copied().collect::<Vec<_>>(), ledger.durable());
    drop(ledger);
    let (again, second) = Ledger::open(disk, owner).expect("what was opened once opens again");
    assert_eq!(again.open_entries().copied().collect::<Vec<_>>(), open, "the same entries are open");
    assert_eq!(again.durable(), durable, "the same numbers are durable");
    assert!(second.missing.is_empty() && second.torn_bytes == 0, "the first start mended it: {second:?}");
    if let Ok((no, _)) = given {
        assert!(second.ended.iter().any(|end| end.entry.ledger_no == no), "its end is remembered");
    }
});

/// Closes a record with its checksum if it is whole and its last octet is even.
fn close(record: &mut [u8]) {
    if record.len() < 64 {
        return;
    }
    if let Some((body, crc)) = record.split_last_chunk_mut::<4>()
        && crc[3] & 1 == 0
    {
        *crc = crc32c::crc32c(body).to_le_bytes();
    }
}
