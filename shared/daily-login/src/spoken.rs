//! What is read out over a telephone and typed: the login, and a password of four groups that each notice a slip.
//!
//! Crockford's alphabet without I, L, O and U. A password is 60 bits: twelve symbols in four groups, each with a check symbol
//! `B_i + a x1 + a^2 x2 + a^3 x3` in GF(32) (x^5 + x^2 + 1, a = 2, B = 1, 7, 19, 28). A wrong symbol, two swapped ones and a
//! group in another's place are found, and the group is named before anything expensive is tried.

use std::fmt;

use zeroize::Zeroizing;

use crate::lane::Lane;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const START: [u8; 4] = [1, 7, 19, 28];
/// What people type is no longer.
const TYPED_MAX: usize = 200;

/// Says what is wrong with what was typed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SpokenError {
    /// It is no login.
    #[error("a login is the letter a or h and four digits, as in a4469")]
    Login,
    /// It has too few or too many symbols.
    #[error("a password has 16 symbols in four groups; {0} were typed")]
    Length(usize),
    /// A character stands for no symbol.
    #[error("`{0}` is not used in passwords: the letters I, L and O read as 1, 1 and 0; U does not occur")]
    Symbol(char),
    /// These groups, counted from 1, do not fit their check symbols.
    #[error("group {} was misheard or mistyped: have it read again", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "))]
    Misheard(Vec<usize>),
}

/// A lane's letter and four digits: an index, not a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Login {
    lane: Lane,
    digits: u16,
}

impl Login {
    /// Makes the login of a lane from drawn bits.
    #[must_use]
    pub(crate) fn new(lane: Lane, bits: u64) -> Self {
        Self { lane, digits: u16::try_from(bits % 10_000).unwrap_or(0) }
    }

    /// Reads what was typed; case, blanks and dashes are overlooked.
    ///
    /// # Errors
    /// [`SpokenError::Login`].
    pub fn parse(text: &str) -> Result<Self, SpokenError> {
        let mut letters = text.chars().take(TYPED_MAX).filter(|c| !c.is_whitespace() && *c != '-');
        let letter = letters.next().map(|c| c.to_ascii_lowercase()).and_then(|c| u8::try_from(c).ok());
        let lane = letter.and_then(Lane::from_letter).ok_or(SpokenError::Login)?;
        let digits: Option<Vec<u8>> = letters.map(|c| value(c).filter(|v| *v < 10)).collect();
        let digits = digits.filter(|digits| digits.len() == 4).ok_or(SpokenError::Login)?;
        let number =
            digits.iter().fold(0_u16, |n, digit| n.saturating_mul(10).saturating_add((*digit).into()));
        Ok(Self { lane, digits: number })
    }

    /// Returns who issued it.
    #[must_use]
    pub const fn lane(self) -> Lane {
        self.lane
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:04}", char::from(self.lane as u8), self.digits)
    }
}

/// The sixteen symbols of a password, check symbols included. Wiped when dropped.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
pub struct Password(Zeroizing<[u8; 16]>);

impl Password {
    /// Makes a password of 60 bits, which stand below the upper four.
    #[must_use]
    pub(crate) fn of_bits(bits: u64) -> Self {
        let mut symbols = Zeroizing::new([0; 16]);
        for (group, (out, start)) in (0_u32..).zip(symbols.as_chunks_mut::<4>().0.iter_mut().zip(START)) {
            let at = |n: u32| {
                let shift =
                    55_u32.saturating_sub(group.saturating_mul(15)).saturating_sub(n.saturating_mul(5));
                u8::try_from(bits >> shift & 31).unwrap_or(0)
            };
            let data = [at(0), at(1), at(2)];
            let [a, b, c] = data;
            *out = [a, b, c, check(start, data)].map(letter);
        }
        Self(symbols)
    }

    /// Reads what was typed; case, blanks and dashes are overlooked, I and L read as 1, O as 0.
    ///
    /// # Errors
    /// What is wrong and where.
    pub fn parse(text: &str) -> Result<Self, SpokenError> {
        let mut symbols = Zeroizing::new([0; 16]);
        let mut count = 0_usize;
        for c in text.chars().take(TYPED_MAX).filter(|c| !c.is_whitespace() && *c != '-') {
            let value = value(c).ok_or(SpokenError::Symbol(c))?;
            if let Some(place) = symbols.get_mut(count) {
                *place = value;
            }
            count = count.saturating_add(1);
        }
        if count != symbols.len() {
            return Err(SpokenError::Length(count));
        }
        let groups = (1_usize..).zip(symbols.as_chunks::<4>().0.iter().zip(START));
        let wrong = groups.filter(|(_, ([a, b, c, sum], start))| check(*start, [*a, *b, *c]) != *sum);
        let wrong: Vec<usize> = wrong.map(|(number, _)| number).collect();
        if !wrong.is_empty() {
            return Err(SpokenError::Misheard(wrong));
        }
        symbols.iter_mut().for_each(|value| *value = letter(*value));
        Ok(Self(symbols))
    }

    /// Returns the sixteen symbols, as Argon2id takes them.
    #[must_use]
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }

    /// Returns the symbols in groups, to be read out: `NVJ9-K565-K39Y-JY6Z`.
    #[must_use]
    pub fn grouped(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(19));
        for (at, symbol) in self.0.iter().enumerate() {
            if at > 0 && at.is_multiple_of(4) {
                text.push('-');
            }
            text.push(char::from(*symbol));
        }
        text
    }
}

/// Returns the word by which a letter or digit is said over a telephone: letters by the spelling alphabet of the ICAO, digits in
/// English. `None` for anything else.
#[must_use]
pub const fn word(symbol: char) -> Option<&'static str> {
    Some(match symbol.to_ascii_uppercase() {
        '0' => "zero",
        '1' => "one",
        '2' => "two",
        '3' => "three",
        '4' => "four",
        '5' => "five",
        '6' => "six",
        '7' => "seven",
        '8' => "eight",
        '9' => "nine",
        'A' => "Alfa",
        'B' => "Bravo",
        'C' => "Charlie",
        'D' => "Delta",
        'E' => "Echo",
        'F' => "Foxtrot",
        'G' => "Golf",
        'H' => "Hotel",
        'J' => "Juliett",
        'K' => "Kilo",
        'M' => "Mike",
        'N' => "November",
        'P' => "Papa",
        'Q' => "Quebec",
        'R' => "Romeo",
        'S' => "Sierra",
        'T' => "Tango",
        'V' => "Victor",
        'W' => "Whiskey",
        'X' => "X-ray",
        'Y' => "Yankee",
        'Z' => "Zulu",
        _ => return None,
    })
}

/// Returns a text as it is read out, its symbols as words: `NVJ9` is `November Victor Juliett nine`. What is no symbol is left out.
#[must_use]
pub fn spelled(text: &str) -> Zeroizing<String> {
    let mut said = Zeroizing::new(String::with_capacity(text.len().saturating_mul(10)));
    for word in text.chars().filter_map(word) {
        if !said.is_empty() {
            said.push(' ');
        }
        said.push_str(word);
    }
    said
}

fn letter(value: u8) -> u8 {
    ALPHABET.get(usize::from(value & 31)).copied().unwrap_or(b'0')
}

fn value(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    };
    let place = ALPHABET.iter().position(|symbol| char::from(*symbol) == c)?;
    u8::try_from(place).ok()
}

/// The check symbol of a group, by Horner's rule.
fn check(start: u8, [x1, x2, x3]: [u8; 3]) -> u8 {
    start ^ doubled(x1 ^ doubled(x2 ^ doubled(x3)))
}

/// Times a in GF(32).
const fn doubled(x: u8) -> u8 {
    let shifted = x << 1;
    if shifted & 32 == 0 { shifted } else { shifted ^ 0b10_0101 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_typed_is_forgiven_where_it_can_be() {
        let check = |typed: &str, login: &str| assert_eq!(Login::parse(typed).unwrap().to_string(), login);
        check("a4469", "a4469");
        check(" A 4469 ", "a4469");
        check("H-5OI8", "h5018");
        for typed in ["", "a", "a446", "a44699", "b4469", "a44G9", "4469"] {
            assert_eq!(Login::parse(typed), Err(SpokenError::Login), "{typed:?}");
        }
        let same = Password::parse("nvj9 k565-k39y JY6Z").unwrap();
        assert_eq!(same.grouped().as_str(), "NVJ9-K565-K39Y-JY6Z");
        assert_eq!(Password::parse("nvj9").err(), Some(SpokenError::Length(4)));
        assert_eq!(Password::parse("UVJ9-K565-K39Y-JY6Z").err(), Some(SpokenError::Symbol('U')));
        assert_eq!(Password::parse(&"0".repeat(100_000)).err(), Some(SpokenError::Length(200)));
    }

    #[test]
    fn every_symbol_is_said_by_a_word_of_its_own_that_begins_with_it() {
        let words: std::collections::BTreeSet<&str> =
            ALPHABET.iter().map(|symbol| word(char::from(*symbol)).unwrap()).collect();
        assert_eq!(words.len(), 32);
        for symbol in ALPHABET.iter().filter(|symbol| symbol.is_ascii_alphabetic()) {
            assert!(word(char::from(*symbol)).unwrap().starts_with(char::from(*symbol)));
        }
        assert_eq!(spelled("nvj9-a0").as_str(), "November Victor Juliett nine Alfa zero");
        assert_eq!(
            ["I", "L", "O", "U", "-", ""].map(|odd| spelled(odd).len()),
            [0; 6],
            "none of them occurs"
        );
    }

    #[test]
    fn every_wrong_symbol_swap_and_exchanged_group_is_found_and_its_group_named() {
        for n in 0..1_000_u64 {
            let bits = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 4;
            let right = *Password::of_bits(bits).expose();
            let typed = |symbols: &[u8]| Password::parse(std::str::from_utf8(symbols).unwrap()).err();
            assert_eq!(typed(&right), None);
            for at in 0..16 {
                for symbol in ALPHABET.iter().filter(|symbol| **symbol != right[at]) {
                    let mut wrong = right;
                    wrong[at] = *symbol;
                    assert_eq!(typed(&wrong), Some(SpokenError::Misheard(vec![at / 4 + 1])));
                }
            }
            for (group, a, b) in
                (0..4).flat_map(|g| [(g, 0, 1), (g, 0, 2), (g, 0, 3), (g, 1, 2), (g, 1, 3), (g, 2, 3)])
            {
                let mut swapped = right;
                swapped.swap(group * 4 + a, group * 4 + b);
                if swapped != right {
                    assert_eq!(
                        typed(&swapped),
                        Some(SpokenError::Misheard(vec![group + 1])),
                        "{group} {a} {b}"
                    );
                }
            }
            for (a, b) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
                let mut exchanged = right;
                (0..4).for_each(|at| exchanged.swap(a * 4 + at, b * 4 + at));
                assert_eq!(typed(&exchanged), Some(SpokenError::Misheard(vec![a + 1, b + 1])));
            }
        }
    }
}
