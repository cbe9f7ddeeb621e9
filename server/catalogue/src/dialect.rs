//! Where the two databases speak differently: each difference has one function here.

use crate::CatalogueError;
use crate::bulk::Cell;
use crate::sql::Conn;
use crate::text::literal;

impl Conn {
    /// Counts the tables called `$1`.
    pub(crate) const fn has_table(&self) -> &'static str {
        if self.is_sqlite() {
            "select count(*) from sqlite_master where type = 'table' and name = $1"
        } else {
            "select count(*) from information_schema.tables where table_schema = current_schema() and table_name = $1"
        }
    }

    /// Lets rows be entered and tables dropped without a look at what refers to them, or ends that. Only between transactions.
    /// PostgreSQL's steps need no such thing.
    pub(crate) async fn hold_references(&mut self, held: bool) -> crate::Result<()> {
        match (self.is_sqlite(), held) {
            (true, true) => self.script("pragma foreign_keys = on").await,
            (true, false) => self.script("pragma foreign_keys = off").await,
            (false, _) => Ok(()),
        }
    }

    /// Checks that every row refers to one that is there.
    ///
    /// # Errors
    /// [`CatalogueError::Damaged`].
    pub(crate) async fn check_references(&mut self) -> crate::Result<()> {
        let is_damaged = self.is_sqlite()
            && self.row("select 1 from pragma_foreign_key_check limit 1", vec![]).await?.is_some();
        if is_damaged { Err(CatalogueError::Damaged { what: "a row of nothing" }) } else { Ok(()) }
    }

    /// Keeps other processes from appending to the audit log until the transaction ends. `SQLite`'s transactions do so anyway.
    pub(crate) async fn only_writer_of_audit(&mut self) -> crate::Result<()> {
        if !self.is_sqlite() {
            self.script("lock table audit in exclusive mode").await?;
        }
        Ok(())
    }

    /// Tells whether its texts can hold the character zero.
    pub(crate) const fn keeps_zero(&self) -> bool {
        self.is_sqlite()
    }

    /// The integers of a JSON array, given as the parameter `?`, as rows.
    pub(crate) const fn integers(&self) -> &'static str {
        if self.is_sqlite() {
            "(select value from json_each(?))"
        } else {
            "(select cast(value as bigint) from json_array_elements_text(cast(? as json)))"
        }
    }

    /// All values of a column as one text, commas between them; nothing if there are none.
    pub(crate) fn joined(&self, column: &str) -> String {
        if self.is_sqlite() {
            format!("group_concat({column}, ',')")
        } else {
            format!("string_agg(cast({column} as text), ',')")
        }
    }

    /// A statement that finds `who_id` of the parties whose folded number contains `part`, and its values.
    pub(crate) fn with_part(&self, part: &str) -> (&'static str, Vec<Cell>) {
        let like = Cell::from(format!("%{}%", literal(part)));
        match trigrams(part).filter(|_| self.is_sqlite()) {
            // Fewer than three characters make no trigram. Such parts are in a large share of all numbers, so the walk through
            // the dictionary ends early at its limit; a rare one costs a walk through all of it.
            None => ("select w.who_id from who w where w.digits like ? escape '!'", vec![like]),
            Some(Trigrams::Outright(phrase)) => {
                ("select rowid as who_id from who_trigram where who_trigram match ?", vec![phrase.into()])
            }
            Some(Trigrams::Candidates(some)) => {
                let text = "select w.who_id from who_trigram t cross join who w on w.who_id = t.rowid \
                            where t.who_trigram match ? and w.digits like ? escape '!'";
                (text, vec![some.into(), like])
            }
        }
    }
}

/// What to ask FTS5 for to find a part of a number.
enum Trigrams {
    /// A phrase, which stands exactly where the part does.
    Outright(String),
    /// Some of its trigrams: what has them all must still be compared.
    Candidates(String),
}

/// Parts up to so many characters are asked for as a phrase: three trigrams.
const PHRASE_MAX: usize = 5;
/// Of longer parts so many trigrams are asked for. The list of each is read, so more of them would cost more than they spare;
/// the last ones, because many numbers begin alike.
const ASKED_MAX: usize = 3;

/// Writes what to ask FTS5 for; nothing for parts too short.
fn trigrams(part: &str) -> Option<Trigrams> {
    // A phrase of FTS5: in double quotes, those inside doubled.
    let phrase = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let chars: Vec<char> = part.chars().collect();
    if chars.len() < 3 {
        return None;
    }
    if chars.len() <= PHRASE_MAX {
        return Some(Trigrams::Outright(phrase(part)));
    }
    let last = chars.rchunks_exact(3).take(ASKED_MAX);
    let some: Vec<String> = last.map(|three| phrase(&three.iter().collect::<String>())).collect();
    Some(Trigrams::Candidates(some.join(" AND ")))
}

/// Writes integers as a JSON array, for [`Conn::integers`].
pub(crate) fn json_integers(numbers: &[i64]) -> Cell {
    let mut text = String::with_capacity(numbers.len().saturating_mul(12).saturating_add(2));
    text.push('[');
    for (n, number) in numbers.iter().enumerate() {
        if n > 0 {
            text.push(',');
        }
        text.push_str(&number.to_string());
    }
    text.push(']');
    text.into()
}
