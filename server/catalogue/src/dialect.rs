//! Where the two databases speak differently: each difference has one function here.

use crate::CatalogueError;
use crate::bulk::Cell;
use crate::index::TAIL_MAX;
use crate::sql::Conn;
use crate::text::{behind, literal};

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

    /// A statement that finds `who_id` of the parties whose folded number contains `part` (one character or more), and its values.
    pub(crate) fn with_part(&self, part: &str) -> (String, Vec<Cell>) {
        let like = Cell::from(format!("%{}%", literal(part)));
        if !self.is_sqlite() {
            return ("select w.who_id from who w where w.digits like ? escape '!'".to_owned(), vec![like]);
        }
        match part.char_indices().nth(TAIL_MAX) {
            None => {
                let text = "select who_id from who_tail where tail >= ? and tail < ?";
                (text.to_owned(), vec![part.into(), behind(part).into()])
            }
            // Longer than any tail: those with its beginning are few, and are compared.
            Some((end, _)) => {
                let text = "select w.who_id from who_tail t join who w on w.who_id = t.who_id where t.tail = ? \
                            and w.digits like ? escape '!'";
                (text.to_owned(), vec![part.get(..end).unwrap_or(part).into(), like])
            }
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
