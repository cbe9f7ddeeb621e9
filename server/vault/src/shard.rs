//! Where an admitted part lies: `live/2026-11-22/14a/142233-fbyndbfbn6drc.amx`, the same names as in the archive.
//!
//! A shard is an hour and a letter; the letter moves on after 4,096 files (FAT32 folders end at 65,536 entries of which a name
//! takes up to 4). After `z` the last shard takes the rest: 106,496 recordings begun within one hour.

use std::collections::HashMap;

use shared::Day;
use store::{Disk, EntryKind};

use crate::Result;

/// The folder of admitted parts.
pub(crate) const LIVE: &str = "live";
/// Files in one shard.
pub(crate) const SHARD_FILES: usize = 4_096;

/// The shards in use and how many files they have.
#[derive(Debug, Default)]
pub(crate) struct Shards(HashMap<(Day, String), Shard>);

#[derive(Debug, Clone)]
struct Shard {
    letter: char,
    files: usize,
}

impl Shards {
    /// Chooses the folder for one more file called `name` of `day`, makes it durable if it is new, and counts the file.
    pub(crate) fn place(&mut self, disk: &dyn Disk, day: Day, name: &str) -> Result<String> {
        let hour = name.get(..2).unwrap_or("00").to_owned();
        let key = (day, hour);
        let shard = match self.0.get(&key) {
            Some(shard) => shard.clone(),
            None => newest(disk, &key)?,
        };
        let shard = if shard.files >= SHARD_FILES && shard.letter < 'z' {
            Shard {
                letter: char::from_u32(u32::from(shard.letter).saturating_add(1)).unwrap_or('z'),
                files: 0,
            }
        } else {
            shard
        };
        let folder = format!("{LIVE}/{day}/{}{}", key.1, shard.letter);
        if shard.files == 0 {
            disk.mkdir_all(&folder)?;
        }
        self.0.insert(key, Shard { files: shard.files.saturating_add(1), ..shard });
        Ok(folder)
    }
}

/// Finds the highest shard of an hour on the disk and counts its files.
fn newest(disk: &dyn Disk, (day, hour): &(Day, String)) -> Result<Shard> {
    let day_folder = format!("{LIVE}/{day}");
    let letter = match disk.list(&day_folder) {
        Ok(entries) => entries.iter().filter_map(|e| letter_of(&e.name, hour)).max(),
        Err(e) if e.is_not_found() => None,
        Err(e) => return Err(e.into()),
    };
    let Some(letter) = letter else { return Ok(Shard { letter: 'a', files: 0 }) };
    let files = disk.list(&format!("{day_folder}/{hour}{letter}"))?;
    Ok(Shard { letter, files: files.iter().filter(|e| e.kind == EntryKind::File).count() })
}

fn letter_of(name: &str, hour: &str) -> Option<char> {
    let mut rest = name.strip_prefix(hour)?.chars();
    let letter = rest.next().filter(char::is_ascii_lowercase)?;
    rest.next().is_none().then_some(letter)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use store::testing::FaultyDisk;

    use super::*;

    #[test]
    fn the_letter_moves_on_after_4096_files_also_across_a_restart() {
        let disk = FaultyDisk::new();
        let day = "2026-11-22".parse().unwrap();
        let mut shards = Shards::default();
        for n in 0..SHARD_FILES {
            let folder = shards.place(&disk, day, "142233-x.amx").unwrap();
            assert_eq!(folder, "live/2026-11-22/14a");
            disk.create_new(&format!("{folder}/{n}.amx")).unwrap();
        }
        assert_eq!(shards.place(&disk, day, "142233-x.amx").unwrap(), "live/2026-11-22/14b");
        assert_eq!(shards.place(&disk, day, "152233-x.amx").unwrap(), "live/2026-11-22/15a");
        let mut again = Shards::default();
        assert_eq!(
            again.place(&disk, day, "142233-x.amx").unwrap(),
            "live/2026-11-22/14b",
            "counted from the disk"
        );
    }
}
