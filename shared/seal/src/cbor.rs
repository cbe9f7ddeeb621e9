//! Deterministic CBOR (RFC 8949, 4.2.1): the subset that sealed recordings use, written and read in one way only.
//!
//! Whole numbers of 64 bits, octets, text, lists, maps, true, false and null. No floats, no tags, nothing of indefinite
//! length: whoever needs more writes a new schema number. What is not in its shortest form, or a map whose keys are out
//! of order or double, is refused, so equal contents are equal bytes.

use std::collections::BTreeMap;

use zeroize::Zeroize as _;

/// Lists and maps inside each other, at most.
pub const DEPTH_MAX: u8 = 8;

/// Says why bytes are not the CBOR of this format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// The bytes end too early.
    #[error("CBOR ends too early")]
    Short,
    /// Something follows the value.
    #[error("bytes follow the CBOR value")]
    Trailing,
    /// A number or length is not in its shortest form.
    #[error("CBOR is not in its shortest form")]
    NotShortest,
    /// Keys of a map are out of order or double.
    #[error("CBOR map keys are out of order or double")]
    KeyOrder,
    /// A type that this format does not use.
    #[error("CBOR of an unused type (float, tag, indefinite length)")]
    Unused,
    /// Too many levels.
    #[error("CBOR is nested too deeply")]
    TooDeep,
    /// Text that is no UTF-8.
    #[error("CBOR text is not UTF-8")]
    NotText,
    /// A member is missing or of the wrong type.
    #[error("CBOR member {0} is missing or of the wrong type")]
    Member(u64),
}

/// A CBOR value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// A whole number from 0.
    Uint(u64),
    /// A negative number, kept as CBOR keeps it: -1 - n.
    Nint(u64),
    /// Octets.
    Bytes(Vec<u8>),
    /// Text.
    Text(String),
    /// A list.
    Array(Vec<Self>),
    /// A map; encoding puts it in order, decoding refuses disorder.
    Map(Vec<(Self, Self)>),
    /// True or false.
    Bool(bool),
    /// Nothing.
    Null,
}

impl Value {
    /// Makes a number.
    #[must_use]
    pub fn int(n: i64) -> Self {
        u64::try_from(n).map_or_else(|_negative| Self::Nint(n.unsigned_abs().saturating_sub(1)), Self::Uint)
    }

    /// Makes a text.
    #[must_use]
    pub fn text(t: &str) -> Self {
        Self::Text(t.to_owned())
    }

    /// Returns the number, if it is one from 0.
    #[must_use]
    pub const fn as_u64(&self) -> Option<u64> {
        if let Self::Uint(n) = self { Some(*n) } else { None }
    }

    /// Returns the number, if it is one of 64 bits with sign.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Uint(n) => i64::try_from(*n).ok(),
            Self::Nint(n) => i64::try_from(*n).ok().map(|n| !n),
            Self::Bytes(_) | Self::Text(_) | Self::Array(_) | Self::Map(_) | Self::Bool(_) | Self::Null => {
                None
            }
        }
    }

    /// Returns the text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(t) = self { Some(t) } else { None }
    }

    /// Returns the octets, if it is some.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(b) = self { Some(b) } else { None }
    }

    /// Returns the list, if it is one.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// Returns true or false, if it is that.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(b) = self { Some(*b) } else { None }
    }

    /// Overwrites all octets inside, for values that held secrets.
    pub fn wipe(&mut self) {
        match self {
            Self::Bytes(bytes) => bytes.zeroize(),
            Self::Array(items) => items.iter_mut().for_each(Self::wipe),
            Self::Map(pairs) => pairs.iter_mut().for_each(|(_, value)| value.wipe()),
            Self::Uint(_) | Self::Nint(_) | Self::Text(_) | Self::Bool(_) | Self::Null => {}
        }
    }
}

/// A map with whole numbers as keys, as all maps of the format but the members of an event are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Members(pub BTreeMap<u64, Value>);

impl Members {
    /// Takes a value apart. `None` unless it is a map with whole numbers as keys.
    #[must_use]
    pub fn of(value: Value) -> Option<Self> {
        let Value::Map(pairs) = value else { return None };
        let numbered = pairs.into_iter().map(|(key, value)| Some((key.as_u64()?, value)));
        numbered.collect::<Option<_>>().map(Self)
    }

    /// Takes one member out; what is left at the end is what this program does not know.
    pub fn take(&mut self, key: u64) -> Option<Value> {
        self.0.remove(&key)
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, key: u64, value: Value) -> Self {
        self.0.insert(key, value);
        self
    }

    /// Returns the map as a value.
    #[must_use]
    pub fn into_value(self) -> Value {
        Value::Map(self.0.into_iter().map(|(key, value)| (Value::Uint(key), value)).collect())
    }
}

/// Encodes a value.
#[must_use]
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, value);
    out
}

/// Decodes exactly one value.
///
/// # Errors
/// Anything that [`encode`] would not have written.
pub fn decode(bytes: &[u8]) -> Result<Value, CborError> {
    let mut rest = bytes;
    let value = item(&mut rest, DEPTH_MAX)?;
    if rest.is_empty() { Ok(value) } else { Err(CborError::Trailing) }
}

fn put(out: &mut Vec<u8>, value: &Value) {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    match value {
        Value::Uint(n) => put_head(out, 0, *n),
        Value::Nint(n) => put_head(out, 1, *n),
        Value::Bytes(b) => {
            put_head(out, 2, count(b.len()));
            out.extend_from_slice(b);
        }
        Value::Text(t) => {
            put_head(out, 3, count(t.len()));
            out.extend_from_slice(t.as_bytes());
        }
        Value::Array(items) => {
            put_head(out, 4, count(items.len()));
            items.iter().for_each(|i| put(out, i));
        }
        Value::Map(pairs) => {
            let mut coded: Vec<_> = pairs.iter().map(|(k, v)| (encode(k), v)).collect();
            coded.sort_by(|a, b| a.0.cmp(&b.0));
            coded.dedup_by(|a, b| a.0 == b.0);
            put_head(out, 5, count(coded.len()));
            for (key, value) in coded {
                out.extend_from_slice(&key);
                put(out, value);
            }
        }
        Value::Bool(b) => out.push(if *b { 0xf5 } else { 0xf4 }),
        Value::Null => out.push(0xf6),
    }
}

fn put_head(out: &mut Vec<u8>, major: u8, n: u64) {
    let major = major << 5;
    if let Ok(small) = u8::try_from(n) {
        if small < 24 {
            out.push(major | small);
        } else {
            out.extend([major | 24, small]);
        }
    } else if let Ok(n) = u16::try_from(n) {
        out.push(major | 25);
        out.extend(n.to_be_bytes());
    } else if let Ok(n) = u32::try_from(n) {
        out.push(major | 26);
        out.extend(n.to_be_bytes());
    } else {
        out.push(major | 27);
        out.extend(n.to_be_bytes());
    }
}

fn item(rest: &mut &[u8], depth: u8) -> Result<Value, CborError> {
    let depth = depth.checked_sub(1).ok_or(CborError::TooDeep)?;
    let first = *take(rest, 1)?.first().ok_or(CborError::Short)?;
    match first {
        0xf4 => return Ok(Value::Bool(false)),
        0xf5 => return Ok(Value::Bool(true)),
        0xf6 => return Ok(Value::Null),
        // Tags, floats, and the other simple values.
        0xc0.. => return Err(CborError::Unused),
        _ => {}
    }
    let n = argument(rest, first & 0x1f)?;
    match first >> 5 {
        0 => Ok(Value::Uint(n)),
        1 => Ok(Value::Nint(n)),
        2 => Ok(Value::Bytes(take_n(rest, n)?.to_vec())),
        3 => {
            let text = std::str::from_utf8(take_n(rest, n)?).map_err(|_not_utf8| CborError::NotText)?;
            Ok(Value::Text(text.to_owned()))
        }
        // No capacity is taken from a length on disk: a list grows by the items that are really there.
        4 => (0..n).map(|_| item(rest, depth)).collect::<Result<_, _>>().map(Value::Array),
        5 => pairs(rest, n, depth).map(Value::Map),
        _ => Err(CborError::Unused),
    }
}

fn pairs(rest: &mut &[u8], n: u64, depth: u8) -> Result<Vec<(Value, Value)>, CborError> {
    let mut out = Vec::new();
    let mut before: &[u8] = &[];
    for i in 0..n {
        let start = *rest;
        let key = item(rest, depth)?;
        let coded = start.get(..start.len().saturating_sub(rest.len())).ok_or(CborError::Short)?;
        if i > 0 && coded <= before {
            return Err(CborError::KeyOrder);
        }
        before = coded;
        out.push((key, item(rest, depth)?));
    }
    Ok(out)
}

fn argument(rest: &mut &[u8], low: u8) -> Result<u64, CborError> {
    let (n, least) = match low {
        0..24 => return Ok(u64::from(low)),
        24 => (number::<1>(rest)?, 24),
        25 => (number::<2>(rest)?, 1 << 8),
        26 => (number::<4>(rest)?, 1 << 16),
        27 => (number::<8>(rest)?, 1 << 32),
        _ => return Err(CborError::Unused),
    };
    if n < least { Err(CborError::NotShortest) } else { Ok(n) }
}

fn number<const N: usize>(rest: &mut &[u8]) -> Result<u64, CborError> {
    Ok(take(rest, N)?.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
}

fn take_n<'a>(rest: &mut &'a [u8], n: u64) -> Result<&'a [u8], CborError> {
    take(rest, usize::try_from(n).map_err(|_too_long| CborError::Short)?)
}

fn take<'a>(rest: &mut &'a [u8], n: usize) -> Result<&'a [u8], CborError> {
    let (head, tail) = rest.split_at_checked(n).ok_or(CborError::Short)?;
    *rest = tail;
    Ok(head)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn examples_of_rfc_8949_appendix_a() {
        let check = |value: &Value, bytes: &[u8]| {
            assert_eq!(encode(value), bytes);
            assert_eq!(decode(bytes).as_ref(), Ok(value));
        };
        check(&Value::Uint(0), &[0x00]);
        check(&Value::Uint(23), &[0x17]);
        check(&Value::Uint(24), &[0x18, 0x18]);
        check(&Value::Uint(1_000), &[0x19, 0x03, 0xe8]);
        check(&Value::Uint(1_000_000), &[0x1a, 0x00, 0x0f, 0x42, 0x40]);
        check(&Value::Uint(u64::MAX), &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        check(&Value::int(-1), &[0x20]);
        check(&Value::int(-1_000), &[0x39, 0x03, 0xe7]);
        check(&Value::Bytes(vec![1, 2, 3, 4]), &[0x44, 1, 2, 3, 4]);
        check(&Value::text("IETF"), &[0x64, 0x49, 0x45, 0x54, 0x46]);
        check(&Value::Array(vec![Value::Uint(1), Value::Uint(2)]), &[0x82, 1, 2]);
        check(&Value::Map(vec![(Value::Uint(1), Value::Uint(2))]), &[0xa1, 1, 2]);
        check(&Value::Bool(true), &[0xf5]);
        check(&Value::Null, &[0xf6]);
        assert_eq!(Value::int(i64::MIN).as_i64(), Some(i64::MIN));
    }

    #[test]
    fn other_forms_are_refused() {
        let check = |bytes: &[u8], error| assert_eq!(decode(bytes), Err(error), "{bytes:?}");
        check(&[], CborError::Short);
        check(&[0x18, 0x17], CborError::NotShortest);
        check(&[0x19, 0x00, 0xff], CborError::NotShortest);
        check(&[0x00, 0x00], CborError::Trailing);
        check(&[0xa2, 2, 0, 1, 0], CborError::KeyOrder);
        check(&[0xa2, 1, 0, 1, 0], CborError::KeyOrder);
        check(&[0x9f, 0xff], CborError::Unused);
        check(&[0xc0, 0x60], CborError::Unused);
        check(&[0xfa, 0, 0, 0, 0], CborError::Unused);
        check(&[0x62, 0xff, 0xff], CborError::NotText);
        check(&[0x81; 9], CborError::TooDeep);
        check(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], CborError::Short);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<u64>().prop_map(Value::Uint),
            any::<u64>().prop_map(Value::Nint),
            any::<Vec<u8>>().prop_map(Value::Bytes),
            any::<String>().prop_map(Value::Text),
            any::<bool>().prop_map(Value::Bool),
            Just(Value::Null),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            let list = proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array);
            let map = proptest::collection::btree_map(any::<u64>(), inner, 0..5)
                .prop_map(|m| Members(m).into_value());
            prop_oneof![list, map]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value in any_value()) {
            prop_assert_eq!(decode(&encode(&value)), Ok(value));
        }

        #[test]
        fn what_is_read_is_written_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(value) = decode(&bytes) {
                prop_assert_eq!(encode(&value), bytes);
            }
        }
    }
}
