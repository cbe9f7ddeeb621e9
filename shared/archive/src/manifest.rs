//! `manifest-<generation>.txt`: what one run added to the folder of a day, with every digest. Signed by central.
//!
//! ```text
//! amethyst manifest v1
//! site <hex> location <hex> day 2026-11-22 generation 0001 previous <sha256 or ->
//! log <tree size> <root hex>
//! <sha256> <size> <blake3> <leaf index> <pieces> <path>
//! end <lines> <key id> <Ed25519 base64 over "amethyst/archive/manifest/v1" || all before "end">
//! ```
//! `pieces` are the digests of each 1 MiB piece ([`crate::Pieces`]), joined by commas, or `-` when the file is one piece (then it equals
//! `blake3`). Paths are relative to the day's folder. A generation lists only what it added; `previous` chains them.
//! The digests here are of the **whole** file, trailer included, so that `sha256sum -c` needs nothing but the file.

use std::fmt::Write as _;

use base64ct::{Base64, Encoding as _};
use seal::{KeyId, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use shared::{Day, LocationId, SiteId};

use crate::log::Hash;
use crate::{ArchiveError, Result, hex, unhex};

const LABEL: &str = "amethyst/archive/manifest/v1";
const FIRST: &str = "amethyst manifest v1";
/// Length of a piece in bytes.
pub const PIECE: u64 = 1 << 20;
/// A part ends at 1 GiB.
const PIECES_MAX: usize = 1_025;
/// A manifest of more lines is split into generations.
pub const LINES_MAX: usize = 200_000;
/// Longer files are no manifests: 200,000 lines of parts in one piece take 40 MB, and pieces 64 digits each.
pub const MANIFEST_MAX: u64 = 256 << 20;

/// One file of a day's folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ManifestLine {
    /// Of the whole file.
    pub sha256: [u8; 32],
    /// Of the whole file, in bytes.
    pub size: u64,
    /// Of the whole file.
    pub blake3: [u8; 32],
    /// The leaf that says so; `None` for what is no recording.
    pub leaf: Option<u64>,
    /// Of each piece; empty when the file is one piece.
    pub pieces: Vec<[u8; 32]>,
    /// From the day's folder: `rec/14a/142233-fbyndbfbn6drc.amx`.
    pub path: String,
}

/// What one run added to the folder of a day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manifest {
    /// Whose archive.
    pub site_id: SiteId,
    /// Which location.
    pub location_id: LocationId,
    /// Which day's folder.
    pub day: Day,
    /// From 1.
    pub generation: u32,
    /// SHA-256 of the file of the generation before; `None` on the first.
    pub previous: Option<[u8; 32]>,
    /// Leaves of the log when it was written.
    pub log_leaves: u64,
    /// Root of the log then.
    pub log_root: Hash,
    /// What was added.
    pub lines: Vec<ManifestLine>,
}

impl Manifest {
    /// Writes and signs the file.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Vec<u8> {
        let mut text = self.head();
        for line in &self.lines {
            line.put(&mut text);
        }
        let signature = key.sign(LABEL, text.as_bytes());
        let (count, sum) = (self.lines.len(), Base64::encode_string(&signature));
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "end {count} {} {sum}", key.key_id());
        text.into_bytes()
    }

    /// Writes the twin for `sha256sum -c`: `<sha256>  <path>` a line.
    #[must_use]
    pub fn sha256sums(&self) -> Vec<u8> {
        let line = |l: &ManifestLine| format!("{}  {}\n", hex(&l.sha256), l.path);
        self.lines.iter().map(line).collect::<String>().into_bytes()
    }

    /// Reads a manifest and verifies its signature; `key` finds central's certified key by its id.
    ///
    /// # Errors
    /// A damaged manifest, a key that nobody certified, or a signature that does not verify.
    pub fn open(bytes: &[u8], key: impl FnOnce(KeyId) -> Option<VerifyingKey>) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|_no_text| wrong("it is no text"))?;
        let open = text.strip_suffix('\n').ok_or_else(|| wrong("its last line is cut off"))?;
        let (body, end) = open.rsplit_once('\n').ok_or_else(|| wrong("it has one line"))?;
        let signed = bytes.get(..body.len().saturating_add(1)).unwrap_or_default();
        let (count, id, signature) = end_line(end).ok_or_else(|| wrong("its last line"))?;
        let key = key(id).ok_or_else(|| wrong("it was signed by a key without certificate"))?;
        if !key.verifies(LABEL, signed, &signature) {
            return Err(wrong("its signature does not verify"));
        }
        let manifest = Self::read(body).ok_or_else(|| wrong("its lines"))?;
        if manifest.lines.len() == count { Ok(manifest) } else { Err(wrong("its count of lines")) }
    }

    /// Returns the digest by which the next generation names this file.
    #[must_use]
    pub fn digest(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    /// Returns the name of a generation's file.
    #[must_use]
    pub fn file_name(generation: u32) -> String {
        format!("manifest-{generation:04}.txt")
    }

    /// Returns the name of the twin of a generation.
    #[must_use]
    pub fn sums_name(generation: u32) -> String {
        format!("sha256sums-{generation:04}.txt")
    }

    fn head(&self) -> String {
        let previous = self.previous.map_or_else(|| "-".to_owned(), |digest| hex(&digest));
        format!(
            "{FIRST}\nsite {} location {} day {} generation {:04} previous {previous}\nlog {} {}\n",
            hex(self.site_id.bytes()),
            hex(self.location_id.bytes()),
            self.day,
            self.generation,
            self.log_leaves,
            hex(&self.log_root),
        )
    }

    fn read(body: &str) -> Option<Self> {
        let mut lines = body.split('\n');
        if lines.next()? != FIRST {
            return None;
        }
        let names: Vec<&str> = lines.next()?.split(' ').collect();
        let ["site", site, "location", location, "day", day, "generation", generation, "previous", previous] =
            names.as_slice()
        else {
            return None;
        };
        let log: Vec<&str> = lines.next()?.split(' ').collect();
        let ["log", leaves, root] = log.as_slice() else { return None };
        let manifest = Self {
            site_id: site.parse().ok()?,
            location_id: location.parse().ok()?,
            day: day.parse().ok()?,
            generation: generation.parse().ok()?,
            previous: if *previous == "-" { None } else { Some(digest(previous)?) },
            log_leaves: leaves.parse().ok()?,
            log_root: digest(root)?,
            lines: lines.take(LINES_MAX.saturating_add(1)).map(ManifestLine::read).collect::<Option<_>>()?,
        };
        // One form only: what was read is what is written.
        (manifest.lines.len() <= LINES_MAX && body.starts_with(&manifest.head())
            || manifest.lines.is_empty() && manifest.head().strip_suffix('\n') == Some(body))
        .then_some(manifest)
    }
}

impl ManifestLine {
    fn put(&self, text: &mut String) {
        let leaf = self.leaf.map_or_else(|| "-".to_owned(), |index| index.to_string());
        let pieces: Vec<String> = self.pieces.iter().map(|piece| hex(piece)).collect();
        let pieces = if pieces.is_empty() { "-".to_owned() } else { pieces.join(",") };
        let (sha256, blake3) = (hex(&self.sha256), hex(&self.blake3));
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "{sha256} {} {blake3} {leaf} {pieces} {}", self.size, self.path);
    }

    fn read(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let [sha256, size, blake3, leaf, pieces, path] = words.as_slice() else { return None };
        let size: u64 = size.parse().ok()?;
        let pieces: Vec<[u8; 32]> = match *pieces {
            "-" => Vec::new(),
            some => some.split(',').take(PIECES_MAX).map(digest).collect::<Option<_>>()?,
        };
        let expected = if size <= PIECE { 0 } else { usize::try_from(size.div_ceil(PIECE)).ok()? };
        let fits = pieces.len() == expected && crate::layout::is_plain_path(path);
        fits.then_some(Self {
            sha256: digest(sha256)?,
            size,
            blake3: digest(blake3)?,
            leaf: if *leaf == "-" { None } else { Some(leaf.parse().ok()?) },
            pieces,
            path: (*path).to_owned(),
        })
    }
}

fn end_line(line: &str) -> Option<(usize, KeyId, [u8; 64])> {
    let words: Vec<&str> = line.split(' ').collect();
    let ["end", count, id, signature] = words.as_slice() else { return None };
    let id = KeyId(unhex(id)?.try_into().ok()?);
    Some((count.parse().ok()?, id, Base64::decode_vec(signature).ok()?.try_into().ok()?))
}

fn digest(text: &str) -> Option<[u8; 32]> {
    unhex(text)?.try_into().ok()
}

const fn wrong(what: &'static str) -> ArchiveError {
    ArchiveError::Document("the manifest", what)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "tests"
    )]
    use super::*;

    fn manifest() -> Manifest {
        let line = |n: u8, size, pieces| ManifestLine {
            sha256: [n; 32],
            size,
            blake3: [n + 1; 32],
            leaf: Some(u64::from(n)),
            pieces,
            path: format!("rec/14a/14223{n}-fbyndbfbn6drc.amx"),
        };
        Manifest {
            site_id: SiteId([1; 16]),
            location_id: LocationId([2; 16]),
            day: Day::from_yyyymmdd(20_261_122).unwrap(),
            generation: 2,
            previous: Some([3; 32]),
            log_leaves: 4,
            log_root: [5; 32],
            lines: vec![line(1, 200_000, vec![]), line(2, PIECE + 1, vec![[7; 32], [8; 32]])],
        }
    }

    #[test]
    fn it_comes_back_and_every_altered_byte_is_refused() {
        let key = SigningKey::from_seed(&[1; 32]);
        let find = |id: KeyId| Some(key.verifying_key()).filter(|k| k.key_id() == id);
        for lines in 0..=2 {
            let mut manifest = manifest();
            manifest.lines.truncate(lines);
            let bytes = manifest.sign(&key);
            assert_eq!(Manifest::open(&bytes, find).unwrap(), manifest);
            for at in 0..bytes.len() {
                let mut altered = bytes.clone();
                altered[at] ^= 1;
                assert!(Manifest::open(&altered, find).is_err(), "byte {at}");
                assert!(Manifest::open(&bytes[..at], find).is_err(), "cut at {at}");
            }
        }
    }

    #[test]
    fn the_twin_is_what_sha256sum_reads() {
        let text = String::from_utf8(manifest().sha256sums()).unwrap();
        let first = format!("{}  rec/14a/142231-fbyndbfbn6drc.amx", "01".repeat(32));
        assert_eq!(text.lines().next(), Some(first.as_str()));
    }
}
