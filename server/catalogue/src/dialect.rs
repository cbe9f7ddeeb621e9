//! Where the two databases speak differently: each difference has one function here.

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

    /// Keeps other processes from appending to the audit log until the transaction ends. `SQLite`'s transactions do so anyway.
    pub(crate) async fn only_writer_of_audit(&mut self) -> crate::Result<()> {
        if !self.is_sqlite() {
            self.script("lock table audit in exclusive mode").await?;
        }
        Ok(())
    }

    /// The integers of a JSON array, given as the parameter `?`, as rows.
    pub(crate) const fn integers(&self) -> &'static str {
        if self.is_sqlite() {
            "(select value from json_each(?))"
        } else {
            "(select cast(value as bigint) from json_array_elements_text(cast(? as json)))"
        }
    }

    /// The rows of `who` whose folded number contains the value of [`Self::has_part`], if the index alone can say so: FTS5 finds
    /// a phrase of trigrams exactly where the text stands.
    pub(crate) const fn parts_outright(&self) -> Option<&'static str> {
        if self.is_sqlite() { Some("select rowid from who_trigram where who_trigram match ?") } else { None }
    }

    /// A condition on `who w`, and its value: the folded number contains `part` (three characters or more), by the trigrams.
    pub(crate) fn has_part(&self, part: &str) -> (&'static str, Cell) {
        if self.is_sqlite() {
            // A phrase of FTS5: in double quotes, those inside doubled.
            let phrase = format!("\"{}\"", part.replace('"', "\"\""));
            ("w.who_id in (select rowid from who_trigram where who_trigram match ?)", phrase.into())
        } else {
            ("w.digits like ? escape '!'", format!("%{}%", literal(part)).into())
        }
    }
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
