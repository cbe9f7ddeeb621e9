//! The plaintext of `config.amx`: small files of a data folder, one behind the other, without a compression that could go wrong.
//!
//! ```text
//! AMXBNDL1 | count u32 | count x (name length u16 | name | length u32 | bytes)
//! ```
//! Little-endian. Names are plain paths (`layout.rs`), in order, none twice: equal contents are equal bytes, and nothing lands
//! outside the folder into which a bundle is unpacked. It holds settings and what is public about a site; **no day keys and no
//! lane secrets**, which lie in the recovery vault, so that shredding is not undone by an old backup.

use std::collections::BTreeMap;

use seal::fields::Fields;

use crate::{ArchiveError, Result, layout};

const MAGIC: [u8; 8] = *b"AMXBNDL1";
/// Settings, certificates and lists of keys of forty years are fewer.
pub const FILES_MAX: usize = 100_000;
/// One file, in bytes.
pub const FILE_MAX: usize = 64 << 20;
/// All of it, in bytes.
pub const BUNDLE_MAX: usize = 256 << 20;

/// Small files by their paths.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bundle {
    files: BTreeMap<String, Vec<u8>>,
    bytes: usize,
}

impl std::fmt::Debug for Bundle {
    /// Names and lengths only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.files.iter().map(|(name, bytes)| (name, bytes.len()))).finish()
    }
}

impl Bundle {
    /// Adds a file.
    ///
    /// # Errors
    /// A name that is no plain path or was given before, too many bytes, too many files.
    pub fn add(&mut self, name: &str, bytes: Vec<u8>) -> Result<()> {
        let sum = self.bytes.saturating_add(bytes.len());
        if !layout::is_plain_path(name) {
            return Err(wrong("the name of a file"));
        }
        if bytes.len() > FILE_MAX || sum > BUNDLE_MAX || self.files.len() >= FILES_MAX {
            return Err(wrong("it is too large"));
        }
        if self.files.insert(name.to_owned(), bytes).is_some() {
            return Err(wrong("a file stands in it twice"));
        }
        self.bytes = sum;
        Ok(())
    }

    /// Returns the files by name.
    #[must_use]
    pub const fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// Writes the bundle.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(u32::try_from(self.files.len()).unwrap_or(u32::MAX).to_le_bytes());
        for (name, bytes) in &self.files {
            out.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
            out.extend(name.as_bytes());
            out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
            out.extend(bytes);
        }
        out
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// Bytes that [`Bundle::to_bytes`] would not have written.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut f = Fields(bytes);
        if f.array() != Some(MAGIC) {
            return Err(wrong("its first bytes"));
        }
        let count = f.u32().and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= FILES_MAX);
        let (mut bundle, mut before) = (Self::default(), "");
        for _ in 0..count.ok_or_else(|| wrong("its count"))? {
            let (name, bytes) = file(&mut f).ok_or_else(|| wrong("it ends too early"))?;
            if name <= before {
                return Err(wrong("the order of its files"));
            }
            bundle.add(name, bytes.to_vec())?;
            before = name;
        }
        if f.0.is_empty() { Ok(bundle) } else { Err(wrong("it goes on behind its end")) }
    }
}

fn file<'a>(f: &mut Fields<'a>) -> Option<(&'a str, &'a [u8])> {
    let len = f.u16()?;
    let name = std::str::from_utf8(f.bytes(len.into())?).ok()?;
    let len = usize::try_from(f.u32()?).ok()?;
    Some((name, f.bytes(len)?))
}

const fn wrong(what: &'static str) -> ArchiveError {
    ArchiveError::Document("the bundle of settings", what)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn bundle() -> Bundle {
        let mut bundle = Bundle::default();
        bundle.add("site/site.json", b"{}".to_vec()).unwrap();
        bundle.add("amethyst.toml", Vec::new()).unwrap();
        bundle
    }

    #[test]
    fn it_comes_back_and_is_never_cut() {
        let bytes = bundle().to_bytes();
        assert_eq!(Bundle::parse(&bytes).unwrap(), bundle());
        assert_eq!(bundle().files().keys().collect::<Vec<_>>(), ["amethyst.toml", "site/site.json"]);
        for at in 0..bytes.len() {
            assert!(Bundle::parse(&bytes[..at]).is_err(), "cut at {at}");
        }
        assert!(Bundle::parse(&[bytes.as_slice(), &[0]].concat()).is_err());
        assert_eq!(Bundle::parse(&Bundle::default().to_bytes()).unwrap(), Bundle::default());
    }

    #[test]
    fn nothing_leads_out_of_the_folder_and_nothing_stands_twice() {
        let check = |name: &str| {
            assert!(Bundle::default().add(name, Vec::new()).is_err(), "{name}");
            let mut bytes = MAGIC.to_vec();
            bytes.extend(1_u32.to_le_bytes());
            bytes.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
            bytes.extend(name.as_bytes());
            bytes.extend(0_u32.to_le_bytes());
            assert!(Bundle::parse(&bytes).is_err(), "{name}");
        };
        check("../keys/unlock.key");
        check("/etc/passwd");
        check("");
        check("A");
        assert!(bundle().add("amethyst.toml", Vec::new()).is_err());
        let mut twice = bundle().to_bytes();
        twice[8] = 3;
        twice.extend(bundle().to_bytes().split_off(12));
        assert!(Bundle::parse(&twice).is_err());
    }
}
