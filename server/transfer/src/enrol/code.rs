//! The code that one person reads to another: eight symbols of Crockford's base 32, forty random bits, shown as `ABCD-EFGH`.

use std::fmt;
use std::str::FromStr;

use rand_core::CryptoRng;
use zeroize::{Zeroize as _, ZeroizeOnDrop};

/// No I, L, O and U: they are misread.
const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 8;

/// A code; whoever knows it within its quarter of an hour can enrol one machine.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct Code([u8; LENGTH]);

/// A text that is no code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("that is no code: it has eight letters and digits, like 7KPM-3XQ9")]
pub struct CodeError;

impl Code {
    /// Draws a code.
    #[must_use]
    pub fn draw(dice: &mut impl CryptoRng) -> Self {
        let mut code = [0; LENGTH];
        dice.fill_bytes(&mut code);
        for symbol in &mut code {
            *symbol = SYMBOLS.get(usize::from(*symbol & 31)).copied().unwrap_or(b'0');
        }
        Self(code)
    }

    /// Returns the code for people: `ABCD-EFGH`.
    #[must_use]
    pub fn shown(&self) -> String {
        let text: String = self.0.iter().map(|symbol| char::from(*symbol)).collect();
        let (left, right) = text.split_at_checked(LENGTH / 2).unwrap_or((&text, ""));
        format!("{left}-{right}")
    }

    pub(super) const fn symbols(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

impl FromStr for Code {
    type Err = CodeError;

    /// Reads a code as people type it: small letters, spaces and dashes anywhere, I and L for 1, O for 0.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let mut code = [0; LENGTH];
        let mut places = code.iter_mut();
        for c in text.chars().filter(|c| !matches!(c, '-' | ' ')) {
            let symbol = match c.to_ascii_uppercase() {
                'I' | 'L' => b'1',
                'O' => b'0',
                other => u8::try_from(other).map_err(|_not_ascii| CodeError)?,
            };
            if !SYMBOLS.contains(&symbol) {
                return Err(CodeError);
            }
            *places.next().ok_or(CodeError)? = symbol;
        }
        if places.next().is_some() {
            code.zeroize();
            return Err(CodeError);
        }
        Ok(Self(code))
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}
