//! Many rows in one statement: crossing to the database's thread costs more than the row.

use std::sync::Arc;

use crate::Result;
use crate::sql::Conn;

/// Rows per statement, tried from the left: few different texts, so that each is parsed once and kept.
const STRIDES: [usize; 4] = [64, 16, 4, 1];

/// One value of a row.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Int(i64),
    Blob(Vec<u8>),
    /// Many octets for which a statement asks in several places: they are given to it once.
    Shared(Arc<Vec<u8>>),
    Text(String),
    /// Nothing, where an integer would stand: PostgreSQL wants to know.
    NoInt,
    /// Nothing, where a text would stand.
    NoText,
    /// Nothing, where octets would stand.
    NoBlob,
}

impl Cell {
    /// A text that may be missing.
    pub(crate) fn text_or_none(text: Option<&str>) -> Self {
        text.map_or(Self::NoText, Into::into)
    }

    /// Octets that may be missing.
    pub(crate) fn blob_or_none(bytes: Option<&[u8]>) -> Self {
        bytes.map_or(Self::NoBlob, |b| Self::Blob(b.to_vec()))
    }

    /// An integer that may be missing.
    pub(crate) fn int_or_none(n: Option<impl Into<Self>>) -> Self {
        n.map_or(Self::NoInt, Into::into)
    }
}

impl From<i64> for Cell {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<u64> for Cell {
    /// Counts beyond 2^63 do not occur; they would be held at its end.
    fn from(n: u64) -> Self {
        Self::Int(i64::try_from(n).unwrap_or(i64::MAX))
    }
}

macro_rules! small {
    ($($t:ty),+) => { $(impl From<$t> for Cell {
        fn from(n: $t) -> Self {
            Self::Int(i64::from(n))
        }
    })+ };
}
small!(u8, u16, u32, bool);

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<const N: usize> From<&[u8; N]> for Cell {
    fn from(bytes: &[u8; N]) -> Self {
        Self::Blob(bytes.to_vec())
    }
}

/// An `insert` with everything but its rows.
pub(crate) struct Insert {
    /// `insert into t (a, b) values`
    pub(crate) head: &'static str,
    /// Columns named in the head.
    pub(crate) columns: usize,
    /// `on conflict ..`
    pub(crate) tail: &'static str,
}

impl Insert {
    /// Enters all rows, given cell after cell.
    pub(crate) async fn run(&self, conn: &mut Conn, cells: Vec<Cell>) -> Result<()> {
        let mut left = cells.len().checked_div(self.columns).unwrap_or(0);
        let mut cells = cells.into_iter();
        while left > 0 {
            let rows = STRIDES.into_iter().find(|n| *n <= left).unwrap_or(1);
            let now = cells.by_ref().take(rows.saturating_mul(self.columns)).collect();
            conn.run_of(self.text(rows, conn.is_sqlite()), now).await?;
            left = left.saturating_sub(rows);
        }
        Ok(())
    }

    /// The statement for so many rows. To `SQLite` the values have no names: it would look each of a thousand up in a list.
    fn text(&self, rows: usize, is_sqlite: bool) -> String {
        let mut text = String::from(self.head);
        let mut n = 0_usize;
        for row in 0..rows {
            text.push_str(if row == 0 { " (" } else { ", (" });
            for column in 0..self.columns {
                n = n.saturating_add(1);
                if column > 0 {
                    text.push(',');
                }
                if is_sqlite {
                    text.push('?');
                } else {
                    text.push('$');
                    text.push_str(&n.to_string());
                }
            }
            text.push(')');
        }
        text.push(' ');
        text.push_str(self.tail);
        text
    }
}
