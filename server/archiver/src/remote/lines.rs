//! Lines between parent and child: one message of JSON each, none longer than [`LINE_MAX`].

use std::io::{self, BufRead, BufWriter, Read as _, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Reply, Request};

/// A longer line is none of ours. The longest name the files of a batch, or hold the catalogue of a day.
const LINE_MAX: u64 = 1 << 30;
/// Of the room for a line so much is kept for the next.
const ROOM: usize = 1 << 20;

/// Says something.
pub(super) fn say(to: &mut dyn Write, what: &impl Serialize) -> io::Result<()> {
    let mut to = BufWriter::with_capacity(64 << 10, to);
    serde_json::to_writer(&mut to, what)?;
    to.write_all(b"\n")?;
    to.flush()
}

/// Hears the next line; `None` when the other side said its last. `line` is room that is used again.
pub(super) fn hear<T: DeserializeOwned>(from: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<Option<T>> {
    line.clear();
    line.shrink_to(ROOM);
    from.take(LINE_MAX).read_until(b'\n', line)?;
    match line.split_last() {
        None => Ok(None),
        Some((b'\n', text)) => Ok(Some(serde_json::from_slice(text)?)),
        Some(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "a line without end")),
    }
}

/// Hears all of `bytes` as the child does and as the parent does, says again what was understood, and tells whether that is understood
/// as the same: for whoever tries what strange bytes do.
#[must_use]
pub fn heard_the_same(bytes: &[u8]) -> bool {
    again::<Request<'static>>(bytes) && again::<Reply>(bytes)
}

fn again<T: Serialize + DeserializeOwned>(mut bytes: &[u8]) -> bool {
    let (mut line, mut other) = (Vec::new(), Vec::new());
    while let Ok(Some(message)) = hear::<T>(&mut bytes, &mut line) {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let same = say(&mut first, &message).is_ok()
            && hear::<T>(&mut first.as_slice(), &mut other)
                .is_ok_and(|heard| heard.is_some_and(|heard| say(&mut second, &heard).is_ok()));
        if !same || first != second {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::borrow::Cow;

    use super::*;
    use crate::carrier::{Digests, Fate, Item, Source};
    use crate::remote::Deed;

    fn items() -> Vec<Item> {
        let bytes = (0..5_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let path = "live/2026-11-22/14a/142233-fbyndbfbn6drc.amx".to_owned();
        let sealed = Source::Sealed { path, size: 9, sha256: [7; 32], blake3: [250; 32] };
        let to = |n: u8| format!("2026-11-22/{n}");
        vec![
            Item { to: to(1), source: Source::Bytes(bytes), aside: None },
            Item { to: to(2), source: sealed, aside: Some("aside/2".to_owned()) },
            Item { to: to(3), source: Source::Bytes(Vec::new()), aside: None },
        ]
    }

    #[test]
    fn what_is_said_is_heard() {
        let mut pipe = Vec::new();
        say(&mut pipe, &Request::Do(Deed::Carry(Cow::Borrowed(&items())))).unwrap();
        say(&mut pipe, &Request::Do(Deed::Space)).unwrap();
        let (mut from, mut line) = (pipe.as_slice(), Vec::new());
        let heard: Request<'_> = hear(&mut from, &mut line).unwrap().unwrap();
        let Request::Do(Deed::Carry(carried)) = heard else { panic!("{heard:?}") };
        assert_eq!(*carried, items());
        assert!(matches!(hear(&mut from, &mut line).unwrap(), Some(Request::Do(Deed::Space))));
        assert!(hear::<Request<'_>>(&mut from, &mut line).unwrap().is_none(), "that was all");
        assert!(heard_the_same(&pipe));

        let digests = |pieces| Digests {
            size: 5,
            sha256: [1; 32],
            blake3: [2; 32],
            content_sha256: [3; 32],
            content_blake3: [4; 32],
            pieces,
        };
        let proven = |pieces| Fate::Proven { digests: digests(pieces), uncached: true, adopted: false };
        let fates = vec![proven(vec![]), proven(vec![[5; 32], [6; 32]]), Fate::Taken];
        let mut pipe = Vec::new();
        say(&mut pipe, &Reply::Carried(Ok(fates.clone()))).unwrap();
        let heard = hear::<Reply>(&mut pipe.as_slice(), &mut line).unwrap().unwrap();
        assert!(matches!(heard, Reply::Carried(Ok(heard)) if heard == fates));
        assert!(heard_the_same(&pipe));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let refused = |bytes: &[u8]| hear::<Request<'_>>(&mut &*bytes, &mut Vec::new()).is_err();
        for bytes in
            ["\n", "{}\n", "[]\n", "\"Space\"\n", "{\"Do\":\"Space\"}", "{\"Do\":{\"Digest\":[\"a\",-1]}}\n"]
        {
            assert!(refused(bytes.as_bytes()), "{bytes}");
        }
        // A digest is 32 bytes.
        let mut line = Vec::new();
        say(&mut line, &Request::Do(Deed::Carry(Cow::Owned(items())))).unwrap();
        let text = String::from_utf8(line).unwrap();
        assert!(text.contains("BwcH"), "{text}");
        assert!(refused(text.replacen("BwcH", "", 1).as_bytes()));
        assert!(refused(text.replacen("BwcH", "!wcH", 1).as_bytes()));
    }
}
