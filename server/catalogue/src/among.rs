//! Asking in SQL whether a party is one of a set, so that it costs the same for ten and for twenty thousand of them.
//!
//! A set given as JSON is read into a tree anew wherever a statement asks it: some 0.7 µs for each member, and a search asks in a dozen
//! places. Three digits are in ten thousand numbers, so most of such a search was spent on building trees. Large sets therefore travel
//! as a byte for each row of the dictionary, 1 for members: `SQLite` reads one byte of a value without copying the rest, and one
//! value serves all places of a statement (`search/filter.rs`).

use std::sync::Arc;

use crate::bulk::Cell;
use crate::dialect::json_integers;
use crate::sql::Conn;

/// Smaller sets travel as JSON. Tests have few parties, and shall come here.
const BYTES_MIN: usize = if cfg!(test) { 3 } else { 500 };
/// The largest row of a dictionary for which a byte each is worth it: so many bytes, at most.
const ROW_MAX: usize = 16 << 20;

/// A set of rows of a dictionary, as a statement may ask it.
#[derive(Clone, Debug)]
pub(crate) struct Among {
    /// The condition, `{}` for who is asked; one `?`, which takes `value`.
    text: String,
    /// What the statement is given.
    pub(crate) value: Cell,
}

impl Among {
    /// Takes rows in rising order.
    pub(crate) fn of(conn: &Conn, rows: &[i64]) -> Self {
        match bytes(rows).filter(|_| conn.is_sqlite()) {
            Some(bytes) => {
                // Beyond the end nobody is: asked first, because `substr` takes places of 31 bits.
                let text = format!("({{}} <= {} and substr(?, {{}}, 1) = x'01')", bytes.len());
                Self { text, value: Cell::Shared(Arc::new(bytes)) }
            }
            None => Self { text: format!("{{}} in {}", conn.integers()), value: json_integers(rows) },
        }
    }

    /// Writes the condition that `who`, a number of SQL, is one of them. It has one `?`.
    pub(crate) fn has(&self, who: &str) -> String {
        self.text.replace("{}", who)
    }
}

/// A byte for each row from the first, 1 for those in the set; nothing if JSON is better.
fn bytes(rows: &[i64]) -> Option<Vec<u8>> {
    if rows.len() < BYTES_MIN || rows.first().is_none_or(|first| *first < 1) {
        return None;
    }
    let largest = usize::try_from(*rows.last()?).ok().filter(|largest| *largest <= ROW_MAX)?;
    let mut bytes = vec![0_u8; largest];
    for row in rows {
        // `substr` counts from 1, as rows do.
        let place = usize::try_from(row.saturating_sub(1)).ok()?;
        *bytes.get_mut(place)? = 1;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_for_each_row_or_json() {
        assert_eq!(bytes(&[1, 2, 5]), Some(vec![1, 1, 0, 0, 1]));
        assert_eq!(bytes(&[1, 2]), None, "few");
        assert_eq!(bytes(&[0, 1, 2]), None, "nobody is no row");
        assert_eq!(bytes(&[-1, 1, 2]), None);
        assert_eq!(bytes(&[1, 2, i64::MAX]), None, "too many bytes");
    }
}
