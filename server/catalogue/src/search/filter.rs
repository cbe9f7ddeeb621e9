//! A `where` clause that grows: conditions with `?` for values, numbered as they come. Values never stand in the text.

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
                self.cells.extend(values.next());
                numbered.push('$');
                numbered.push_str(&self.cells.len().to_string());
            } else {
                numbered.push(c);
            }
        }
        numbered
    }

    /// Writes the clause behind `word`; nothing if there is no condition.
    pub(crate) fn clause(&self, word: &str) -> String {
        if self.text.is_empty() { String::new() } else { format!(" {word} {}", self.text) }
    }
}
