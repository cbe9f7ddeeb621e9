//! Fills an empty catalogue with parts that were admitted, and a medium that holds all but the last of them: what the plan of a night
//! meets after years. There are no recordings to the parts, because a plan asks for none.

use shared::MediaId;

use crate::{Catalogue, Result};

/// The medium.
pub const MEDIUM: MediaId = MediaId([7; 16]);

/// Parts made by one statement.
const CHUNK: u64 = 500_000;

impl Catalogue {
    /// Enters `rows` parts with a leaf each, the last `due` of which do not lie on [`MEDIUM`]; some are in its holes.
    ///
    /// # Errors
    /// The database's; then the catalogue is of no use.
    pub fn fill_archived(&self, rows: u64, due: u64, told: impl Fn(u64)) -> Result<()> {
        self.script("pragma journal_mode = off; pragma synchronous = off; pragma foreign_keys = off; pragma cache_size = -1000000")?;
        let next = rows.saturating_sub(due);
        self.made(&format!(
            "insert into location values ({PLACE}, 'usb', 2, '/media/usb', '{{}}', 1, 1, null); \
             insert into medium values ({HERE}, {PLACE}, 0, 'A', 'safe', 1, {next}, null, 2, 2, 1); \
             insert into archive_run values ({RUN}, {PLACE}, {HERE}, 1, 2, 0, {next}, 1, {SUM}, {next}, {next}, 1, '')"
        ))?;
        let mut done = 0;
        while done < rows {
            let upto = rows.min(done + CHUNK);
            for text in parts(done, upto, next) {
                self.made(&text)?;
            }
            done = upto;
            told(done);
        }
        self.made("insert into logged_block select leaf_index / 4096, count(*), count(*) * 200000 from logged group by 1")?;
        self.script("pragma journal_mode = wal")
    }
}

const PLACE: &str = "x'06060606060606060606060606060606'";
const HERE: &str = "x'07070707070707070707070707070707'";
const RUN: &str = "x'08080808080808080808080808080808'";
const SUM: &str = "zeroblob(32)";

fn parts(from: u64, upto: u64, next: u64) -> [String; 4] {
    let id = "unhex(printf('%012x7%03x8%015x', 1760000000000 + n * 3100, n % 4096, n))";
    let numbers =
        format!("with recursive t(n) as (select {from} union all select n + 1 from t where n < {upto} - 1)");
    let path = "(20260101 + n / 27871 % 28) || '/14a/' || printf('%06d', n % 86400) || '-' || n || '.amx'";
    [
        format!(
            "insert into part {numbers} select {id}, 0, n, 20260101 + n / 27871 % 28, n + 9, 'live/' || {path}, 200000, {SUM}, {SUM}, \
             0, 12, x'0303030303030303' from t"
        ),
        format!("insert into logged (leaf_index, recording_id, part) {numbers} select n, {id}, 0 from t"),
        format!(
            "insert into proof {numbers} select {id}, 0, {HERE}, {RUN}, n, {path}, 200000, {SUM}, {SUM}, {SUM}, {SUM}, x'', 3, 1, 2 \
             from t where n < {next} and n % 1000000 > 0"
        ),
        format!(
            "insert into archive_hole {numbers} select {HERE}, n from t where n < {next} and n % 1000000 = 0"
        ),
    ]
}
