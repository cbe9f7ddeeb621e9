//! A `where` clause that grows: conditions with `?` for values, numbered as they come. Values never stand in the text.

use std::sync::Arc;

use crate::bulk::Cell;

/// Conditions and their values.
#[derive(Clone, Default, Debug)]
pub(crate) struct Filter {
    text: String,
    pub(crate) cells: Vec<Cell>,
}

impl Filter {
    /// Adds `condition` for values that are there; each `?` becomes the next `$n`.
    pub(crate) fn add(&mut self, condition: &str, values: Option<Vec<Cell>>) {
        let Some(values) = values else { return };
        if !self.text.is_empty() {
            self.text.push_str(" and ");
        }
        let numbered = self.number(condition, values);
        self.text.push_str(&numbered);
    }

    /// Takes in values and returns `text` with their numbers.
    pub(crate) fn number(&mut self, text: &str, values: Vec<Cell>) -> String {
        let mut numbered = String::with_capacity(text.len());
        let mut values = values.into_iter();
        for c in text.chars() {
            if c == '?' {
                let place = self.place(values.next());
                numbered.push('$');
                numbered.push_str(&place.to_string());
            } else {
                numbered.push(c);
            }
        }
        numbered
    }

    /// Takes in a value and returns its number; one that is shared and was given before keeps its number.
    fn place(&mut self, value: Option<Cell>) -> usize {
        let is_same = |cell: &Cell| matches!((cell, &value), (Cell::Shared(a), Some(Cell::Shared(b))) if Arc::ptr_eq(a, b));
        if let Some(before) = self.cells.iter().position(is_same) {
            return before.saturating_add(1);
        }
        self.cells.extend(value);
        self.cells.len()
    }

    /// Writes the clause behind `word`; nothing if there is no condition.
    pub(crate) fn clause(&self, word: &str) -> String {
        if self.text.is_empty() { String::new() } else { format!(" {word} {}", self.text) }
    }
}
