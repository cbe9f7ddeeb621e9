//! Who was met in each section of the list: a thousand recordings that follow each other, and all their parties in one small row.
//!
//! Four digits are in a thousand numbers, and each number's postings lie on a page of their own. The newest fifty of all of them
//! are in the newest sixty sections: a search reads these, learns which few of the thousand were met there, and follows only those.
//! A section may name a party that is no longer in it, but never misses one. PostgreSQL plans by itself and has no such table.
//!
//! Each section stands beside this once more as columns ([`crate::packed`]), made and changed here in the same breath.

use std::collections::{BTreeMap, BTreeSet};

use crate::bulk::Cell;
use crate::index::Strip;
use crate::packed;
use crate::sql::Conn;
use crate::varint::{Varints, put};
use crate::{CatalogueError, Result};

/// Recordings of a section when it is made; at twice as many it is made anew, as two. Its parties then fit in one page of the file.
/// Tests have few recordings, and shall have many sections.
const RECORDINGS: i64 = if cfg!(test) { 3 } else { 1_000 };
/// Sections read by one statement.
const AT_ONCE: usize = 16;

/// A section as a search reads it: who was met from place `from` to before place `to`.
pub(crate) struct Section {
    pub(crate) from: i64,
    pub(crate) to: i64,
    parties: Vec<u8>,
}

impl Section {
    /// Tells every party (a row of `who`), in rising order.
    ///
    /// # Errors
    /// [`CatalogueError::Damaged`].
    pub(crate) fn each(&self, told: impl FnMut(i64)) -> Result<()> {
        unpack(&self.parties, told)
    }
}

/// Reads the next sections that reach into `low..high`, from its upper end down or from its lower end up; none: none is left.
///
/// # Errors
/// The database's.
pub(crate) async fn sections(
    conn: &mut Conn,
    (low, high): (i64, i64),
    descending: bool,
) -> Result<Vec<Section>> {
    let text = if descending {
        "select from_key, parties from met where from_key < $2 and from_key >= \
         coalesce((select max(from_key) from met where from_key <= $1), 0) order by from_key desc limit $3"
    } else {
        "select from_key, parties from met where from_key < $2 and from_key >= \
         coalesce((select max(from_key) from met where from_key <= $1), 0) order by from_key limit $3"
    };
    // One more than are told, because a section ends where the next one begins.
    let limit = i64::try_from(AT_ONCE).unwrap_or(1).saturating_add(1);
    let rows = conn.rows(text, vec![low.into(), high.into(), limit.into()]).await?;
    let mut sections = Vec::with_capacity(rows.len());
    let mut end = high;
    for (n, row) in rows.iter().enumerate().take(AT_ONCE) {
        let from = row.int(0)?;
        let next = rows.get(n.saturating_add(1));
        let to = if descending { end } else { next.map_or(Ok(high), |next| next.int(0))? };
        sections.push(Section { from, to, parties: row.blob(1)? });
        end = from;
    }
    Ok(sections)
}

/// Notes recordings at their places; their rows are entered already.
///
/// # Errors
/// The database's.
pub(crate) async fn enter(conn: &mut Conn, strips: &[Strip]) -> Result<()> {
    if !conn.is_sqlite() {
        return Ok(());
    }
    let mut left: BTreeMap<i64, &Strip> = strips.iter().map(|strip| (strip.order_key, strip)).collect();
    while let Some(first) = left.keys().next().copied() {
        let mut section = Open::at(conn, first).await?;
        let later = left.split_off(&section.to);
        section.recordings =
            section.recordings.saturating_add(i64::try_from(left.len()).unwrap_or(RECORDINGS));
        for strip in left.into_values() {
            section.parties.extend(strip.who.iter().filter(|who| **who > 0));
            packed::row(&mut section.rows, section.from, strip);
        }
        if section.recordings < RECORDINGS.saturating_mul(2) {
            section.put(conn).await?;
        } else {
            make(conn, section.from, section.to).await?;
        }
        left = later;
    }
    Ok(())
}

/// A section that is being written.
struct Open {
    from: i64,
    to: i64,
    recordings: i64,
    parties: BTreeSet<i64>,
    /// What [`packed`] is told of recordings that are not in it yet.
    rows: Vec<u8>,
}

impl Open {
    /// Reads the section of a place; an empty one that begins with the list if there is none.
    async fn at(conn: &mut Conn, place: i64) -> Result<Self> {
        let text = "select m.from_key, m.recordings, m.parties, \
                    (select min(n.from_key) from met n where n.from_key > m.from_key) \
                    from met m where m.from_key <= $1 order by m.from_key desc limit 1";
        let mut parties = BTreeSet::new();
        let Some(row) = conn.row(text, vec![place.into()]).await? else {
            return Ok(Self { from: 0, to: i64::MAX, recordings: 0, parties, rows: Vec::new() });
        };
        unpack(&row.blob(2)?, |who| {
            parties.insert(who);
        })?;
        let to = row.int_or_none(3)?.unwrap_or(i64::MAX);
        Ok(Self { from: row.int(0)?, to, recordings: row.int(1)?, parties, rows: Vec::new() })
    }

    async fn put(self, conn: &mut Conn) -> Result<()> {
        let text = "insert into met (from_key, recordings, parties) values ($1, $2, $3) \
                    on conflict (from_key) do update set recordings = excluded.recordings, parties = excluded.parties";
        let cells = vec![self.from.into(), self.recordings.into(), Cell::Blob(pack(&self.parties))];
        conn.run(text, cells).await?;
        packed::enter(conn, self.from, self.rows).await
    }
}

/// Makes the sections from place `from` to before place `to` anew, from the recordings themselves.
///
/// # Errors
/// The database's.
pub(crate) async fn make(conn: &mut Conn, from: i64, to: i64) -> Result<()> {
    if !conn.is_sqlite() {
        return Ok(());
    }
    conn.run("delete from met where from_key >= $1 and from_key < $2", vec![from.into(), to.into()]).await?;
    packed::remove(conn, from, to).await?;
    let mut section = from;
    while let Some((last, made)) = gather(conn, section, to).await? {
        made.put(conn).await?;
        section = last.saturating_add(1);
    }
    if section == from {
        // Nothing is there; the sections still have no hole.
        Open { from, to, recordings: 0, parties: BTreeSet::new(), rows: Vec::new() }.put(conn).await?;
    }
    Ok(())
}

/// Gathers one section that begins at `from`, and tells the place of its last recording.
async fn gather(conn: &mut Conn, from: i64, to: i64) -> Result<Option<(i64, Open)>> {
    // All in one row: a row for each costs more than reading it.
    let text = "select max(order_key), group_concat(order_key || ' ' || facet_id || ' ' || length_us || ' ' || has_gap || ' ' || \
                who_a || ' ' || who_b) from \
                (select order_key, facet_id, length_us, has_gap, who_a, who_b from recording indexed by recording_in_order \
                where order_key >= $1 and order_key < $2 order by order_key limit $3)";
    let Some(row) = conn.row(text, vec![from.into(), to.into(), RECORDINGS.into()]).await? else {
        return Ok(None);
    };
    let Some(last) = row.int_or_none(0)? else { return Ok(None) };
    let all = row.text(1)?;
    let mut strips =
        all.split(',').map(strip).collect::<Option<BTreeMap<i64, Strip>>>().ok_or_else(damaged)?;
    let more = "select r.order_key, q.who_id from recording r indexed by recording_in_order cross join party q \
                on q.recording_id = r.recording_id where r.order_key >= $1 and r.order_key <= $2 and r.more_parties > 0 \
                and q.place >= 2 order by r.order_key, q.place";
    for row in conn.rows(more, vec![from.into(), last.into()]).await? {
        if let Some(strip) = strips.get_mut(&row.int(0)?) {
            strip.who.push(row.int(1)?);
        }
    }
    let parties =
        strips.values().flat_map(|strip| strip.who.iter().copied()).filter(|who| *who > 0).collect();
    let recordings = i64::try_from(strips.len()).unwrap_or(RECORDINGS);
    let mut rows = Vec::with_capacity(strips.len().saturating_mul(16));
    strips.values().for_each(|strip| packed::row(&mut rows, from, strip));
    Ok(Some((last, Open { from, to, recordings, parties, rows })))
}

/// Reads a recording as [`gather`] asks for it.
fn strip(text: &str) -> Option<(i64, Strip)> {
    let mut numbers = text.split(' ').map(str::parse::<i64>);
    let mut next = || numbers.next()?.ok();
    let (order_key, facet, length_us, gap) = (next()?, next()?, next()?, next()?);
    let who = vec![next()?, next()?];
    let length_us = u64::try_from(length_us).unwrap_or(0);
    Some((order_key, Strip { order_key, facet, length_us, has_gap: gap != 0, held: false, who }))
}

fn damaged() -> CatalogueError {
    CatalogueError::Damaged { what: "a section of the list" }
}

/// Writes rising numbers as their differences.
fn pack(parties: &BTreeSet<i64>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parties.len().saturating_mul(2));
    let mut before = 0_i64;
    for who in parties {
        put(&mut bytes, who.saturating_sub(before).max(0).unsigned_abs());
        before = *who;
    }
    bytes
}

fn unpack(bytes: &[u8], mut told: impl FnMut(i64)) -> Result<()> {
    let (mut all, mut who) = (Varints(bytes), 0_i64);
    while !all.0.is_empty() {
        let difference = all.next_number().and_then(|n| i64::try_from(n).ok());
        who = difference.and_then(|n| who.checked_add(n)).ok_or_else(damaged)?;
        told(who);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        reason = "tests"
    )]

    use shared::{Party, UtcMicros};

    use super::*;
    use crate::{Catalogue, CatalogueKey, PartyRole, PartyRow};

    #[test]
    fn parties_come_back_as_packed_and_damage_is_told() {
        for all in [vec![], vec![1], vec![127, 128, 16_511, 16_512], vec![5, i64::MAX]] {
            let all: BTreeSet<i64> = all.into_iter().collect();
            let mut back = BTreeSet::new();
            unpack(&pack(&all), |who| assert!(back.insert(who))).unwrap();
            assert_eq!(back, all);
        }
        for bytes in [&[0x80][..], &[0xff; 10], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x01]]
        {
            assert!(unpack(bytes, |_| ()).is_err(), "{bytes:?}");
        }
    }

    /// Recordings with their parties, and the sections, read from either end.
    async fn all(conn: &mut Conn) -> Result<(Vec<(i64, i64)>, Vec<Section>, Vec<Section>)> {
        let text =
            "select r.order_key, p.who_id from recording r join party p on p.recording_id = r.recording_id";
        let spoke = conn.rows(text, vec![]).await?;
        let spoke = spoke.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect::<Result<_>>()?;
        let (mut up, mut down) = (Vec::new(), Vec::new());
        let (mut low, mut high) = (0, i64::MAX);
        while low < i64::MAX {
            up.extend(sections(conn, (low, i64::MAX), false).await?);
            low = up.last().map_or(i64::MAX, |section| section.to);
        }
        while high > 0 {
            down.extend(sections(conn, (0, high), true).await?);
            high = down.last().map_or(0, |section| section.from);
        }
        Ok((spoke, up, down))
    }

    #[test]
    fn every_party_is_met_in_the_section_of_its_recording() {
        let folder = tempfile::tempdir().unwrap();
        let key = CatalogueKey::new([7; 32]);
        let catalogue = Catalogue::create(&folder.path().join("c.db"), &key, UtcMicros(1)).unwrap();
        let entered = |n: u8, part: u16| {
            let mut row = crate::tests::row(n);
            let party = Party { number: format!("27825550{n:03}"), ..Party::default() };
            row.parties.push(PartyRow { role: PartyRole::Other, party });
            row.facts.started_at = UtcMicros(row.facts.started_at.0 / i64::from(part + 1));
            (row.part.part, row.part.path) = (part, format!("live/{n}-{part}"));
            catalogue.insert_batch(vec![row], vec![]).unwrap();
        };
        // Neither in the order of the list nor once, and some move far back when an earlier part turns up.
        for n in (0..101_u8).map(|n| (u16::from(n) * 37 % 101) as u8 + 1) {
            entered(n, 0);
            if n % 5 == 0 {
                entered(n, 1);
            }
        }
        let db = catalogue.db.clone();
        let (spoke, up, down) = catalogue.block(async move { all(&mut db.reader().await?).await }).unwrap();
        let ends = |sections: &[Section]| sections.iter().map(|s| (s.from, s.to)).collect::<Vec<_>>();
        let mut turned = ends(&down);
        turned.reverse();
        assert_eq!(ends(&up), turned, "the same from either end");
        assert!(up.len() > 20, "few recordings each: {}", up.len());
        assert!(up.windows(2).all(|two| two[0].to == two[1].from), "no hole");
        assert_eq!((up[0].from, up[up.len() - 1].to), (0, i64::MAX));
        for (key, who) in spoke {
            let section = up.iter().find(|s| (s.from..s.to).contains(&key)).unwrap();
            let mut met = false;
            section.each(|one| met |= one == who).unwrap();
            assert!(met, "party {who} of the recording at {key}");
        }
    }
}
