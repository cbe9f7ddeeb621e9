//! A recording as lists show it: all of it stands in one row of one table, so that a page of fifty takes fifty rows.
//!
//! Parties, tracks, tags and flags are copies: `party`, `leg`, `tag` and `part` say what is true. Whatever changes one of those
//! writes the copy anew in the same transaction, by [`Drawn::cells`] and [`redraw`], and nothing else does. What the recorder marked is
//! read beside it ([`Heard`]).

use std::collections::BTreeMap;

use shared::{GapCause, RecordingId};

use crate::bulk::Cell;
use crate::read::{assemble, damaged, facts, id16, select};
use crate::sql::{Conn, Row};
use crate::{Facts, LegRow, PartyRole, Recording, RecordingRow, Result, index};

/// A recording in a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// What there is one of.
    pub facts: Facts,
    /// Who spoke, in the order of entry.
    pub parties: Vec<ListedParty>,
    /// The tracks of all parts; those that differ in nothing but missing samples are one.
    pub tracks: Vec<ListedTrack>,
    /// All flags of its parts: 1 recovered, 2 damaged inside, 4 continued in a next part.
    pub flags: u32,
    /// How much of the call was heard, as the recorder marked it while it went on.
    pub heard: Heard,
    /// A legal hold is on.
    pub held: bool,
    /// The number of the case or order in another system; empty when there is none.
    pub external_reference: String,
    /// What it is about, in a line; empty when there is none.
    pub subject: String,
    /// A remark; empty when there is none.
    pub comment: String,
    /// Tags in the order of the alphabet.
    pub tags: Vec<String>,
}

/// How much of a call was heard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Heard {
    /// Nothing speaks against both sides.
    #[default]
    Both,
    /// One side sent nothing for long while the other did: an event `one_way` was sealed.
    OneWay,
    /// Nothing but digital silence came: an event `silent` was sealed.
    Silent,
}

impl Heard {
    fn of_kind(kind: &str) -> Self {
        match kind {
            "one_way" => Self::OneWay,
            "silent" => Self::Silent,
            _ => Self::Both,
        }
    }
}

/// A party in a list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListedParty {
    /// Its part in the call.
    pub role: PartyRole,
    /// Its number as signalled; empty when unknown.
    pub number: String,
    /// Its name; empty when unknown.
    pub display: String,
    /// The extension at which it sat; empty for a party outside. Scopes are held against this.
    pub extension: String,
}

/// Tracks of one kind in a list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListedTrack {
    /// Number of the leg.
    pub leg: u8,
    /// Codec name as in SDP.
    pub codec: String,
    /// Ticks a second.
    pub clock_hz: u32,
    /// Format parameters as in SDP.
    pub fmtp: String,
    /// Channels inside the codec.
    pub channels: u8,
    /// Bytes are kept but cannot be decoded.
    pub opaque: bool,
    /// Samples missing for another reason than that the sender was silent.
    pub missing: u64,
}

impl Listed {
    /// Returns the microseconds from start to end, never negative.
    #[must_use]
    pub fn duration_us(&self) -> i64 {
        self.facts.ended_at.since(self.facts.started_at).max(0)
    }

    /// Tells whether samples are missing for another reason than that their sender was silent.
    #[must_use]
    pub fn has_gap(&self) -> bool {
        self.tracks.iter().any(|track| track.missing > 0)
    }
}

impl From<&Recording> for Listed {
    /// Takes from a recording what a list shows of it.
    fn from(recording: &Recording) -> Self {
        let labels = &recording.labels;
        let party = |seen: &crate::PartySeen| ListedParty {
            role: seen.role,
            number: seen.party.number.clone(),
            display: seen.party.display.clone(),
            extension: seen.extension.clone(),
        };
        Self {
            facts: recording.facts.clone(),
            parties: recording.parties.iter().map(party).collect(),
            tracks: tracks(&recording.legs),
            flags: recording.parts.iter().fold(0, |all, part| all | part.flags),
            heard: recording.events.iter().map(|event| Heard::of_kind(&event.kind)).max().unwrap_or_default(),
            held: labels.hold.is_some(),
            external_reference: labels.external_reference.clone(),
            subject: labels.subject.clone(),
            comment: labels.comment.clone(),
            tags: labels.tags.clone(),
        }
    }
}

fn tracks(legs: &[LegRow]) -> Vec<ListedTrack> {
    let mut tracks: Vec<ListedTrack> = Vec::new();
    for leg in legs {
        let track = &leg.track;
        let mut one = ListedTrack {
            leg: track.leg,
            codec: track.codec.clone(),
            clock_hz: track.clock_hz,
            fmtp: track.fmtp.clone(),
            channels: track.channels,
            opaque: track.opaque,
            missing: 0,
        };
        let missing = missing(leg);
        let same = |known: &&mut ListedTrack| {
            one.missing = known.missing;
            **known == one
        };
        if let Some(known) = tracks.iter_mut().find(same) {
            known.missing = known.missing.saturating_add(missing);
        } else {
            one.missing = missing;
            tracks.push(one);
        }
    }
    tracks
}

fn missing(leg: &LegRow) -> u64 {
    let not_silence =
        |cause: &usize| *cause != GapCause::None as usize && *cause != GapCause::SilenceSuppressed as usize;
    let counted = (0_usize..).zip(leg.gaps.0).filter(|(cause, _)| not_silence(cause));
    counted.fold(0, |sum, (_, samples)| sum.saturating_add(samples))
}

/// The copies of one recording, as they stand in its row.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    parties: Vec<(u8, String, String, String)>,
    tracks: Vec<(u8, String, u32, String, u8, u8, u64)>,
    tags: Vec<String>,
    flags: u32,
}

/// The columns of copies, in the order of [`Drawn::cells`].
pub(crate) const DRAWN_COLUMNS: usize = 4;

impl Drawn {
    fn of(listed: &Listed) -> Self {
        let party =
            |p: &ListedParty| (p.role.number(), p.number.clone(), p.display.clone(), p.extension.clone());
        let track = |t: &ListedTrack| {
            let (codec, fmtp) = (t.codec.clone(), t.fmtp.clone());
            (t.leg, codec, t.clock_hz, fmtp, t.channels, u8::from(t.opaque), t.missing)
        };
        Self {
            parties: listed.parties.iter().map(party).collect(),
            tracks: listed.tracks.iter().map(track).collect(),
            tags: listed.tags.clone(),
            flags: listed.flags,
        }
    }

    /// Draws a recording of which nothing is entered yet: its first part.
    pub(crate) fn new(row: &RecordingRow) -> Self {
        let at = |p: &crate::PartyRow| index::extension(row.facts.direction, p.role, &p.party.number);
        let party = |p: &crate::PartyRow| ListedParty {
            role: p.role,
            number: p.party.number.clone(),
            display: p.party.display.clone(),
            extension: at(p),
        };
        Self::of(&Listed {
            facts: row.facts.clone(),
            parties: row.parties.iter().take(index::PARTIES_MAX).map(party).collect(),
            tracks: tracks(&row.legs),
            flags: row.part.flags,
            heard: Heard::Both,
            held: false,
            external_reference: String::new(),
            subject: String::new(),
            comment: String::new(),
            tags: Vec::new(),
        })
    }

    /// Returns `parties`, `tracks`, `tags` and `flags`.
    ///
    /// # Errors
    /// None that happen: texts and numbers can always be written as JSON.
    pub(crate) fn cells(mut self, conn: &Conn) -> Result<[Cell; DRAWN_COLUMNS]> {
        if !conn.keeps_zero() {
            let texts = self.parties.iter_mut().flat_map(|(_, a, b, c)| [a, b, c]);
            let texts = texts.chain(self.tracks.iter_mut().flat_map(|(_, a, _, b, ..)| [a, b]));
            texts
                .chain(&mut self.tags)
                .filter(|text| text.contains('\0'))
                .for_each(|text| text.retain(|c| c != '\0'));
        }
        let text = |json: serde_json::Result<String>| json.map_err(|_never| damaged("a copy for lists"));
        Ok([
            text(serde_json::to_string(&self.parties))?.into(),
            text(serde_json::to_string(&self.tracks))?.into(),
            text(serde_json::to_string(&self.tags))?.into(),
            self.flags.into(),
        ])
    }
}

/// Writes the copies of recordings anew from what stands in their tables.
pub(crate) async fn redraw(conn: &mut Conn, ids: &[RecordingId]) -> Result<()> {
    for recording in assemble(conn, ids).await? {
        let [parties, tracks, tags, flags] = Drawn::of(&Listed::from(&recording)).cells(conn)?;
        let cells = vec![parties, tracks, tags, flags, recording.facts.recording_id.bytes().into()];
        let text =
            "update recording set parties = $1, tracks = $2, tags = $3, flags = $4 where recording_id = $5";
        conn.run(text, cells).await?;
    }
    Ok(())
}

/// So many places are asked for in one statement: few texts, each of which is parsed once and kept.
const STRIDES: [usize; 5] = [1, 10, 50, 200, 1_000];

/// Reads the recordings at these places, in their order; a place where nothing stands is left out.
pub(crate) async fn at(conn: &mut Conn, keys: &[i64]) -> Result<Vec<Listed>> {
    let Some(last) = keys.last() else { return Ok(Vec::new()) };
    let stride = STRIDES.into_iter().find(|n| *n >= keys.len()).unwrap_or(keys.len());
    let list: Vec<String> = (1..=stride).map(|n| format!("${n}")).collect();
    let text = format!("select {COLUMNS} from recording where order_key in ({})", list.join(","));
    let cells = keys.iter().chain(std::iter::repeat(last)).take(stride).map(|key| (*key).into()).collect();
    let mut by_key = BTreeMap::new();
    for row in conn.rows_kept(text, cells).await? {
        by_key.insert(row.int(28)?, listed(&row)?);
    }
    mark(conn, &mut by_key, stride).await?;
    Ok(keys.iter().filter_map(|key| by_key.remove(key)).collect())
}

/// Says of each how much was heard. There is no copy of that: its events stand together, and few have any.
async fn mark(conn: &mut Conn, found: &mut BTreeMap<i64, Listed>, stride: usize) -> Result<()> {
    let Some(last) = found.values().next_back().map(|listed| listed.facts.recording_id) else {
        return Ok(());
    };
    let ids = found.values().map(|listed| listed.facts.recording_id).chain(std::iter::repeat(last));
    let ids: Vec<RecordingId> = ids.take(stride).collect();
    let mut heard: BTreeMap<RecordingId, Heard> = BTreeMap::new();
    for row in select(conn, MARKS, &ids).await? {
        let of = heard.entry(RecordingId(id16(&row, 0)?)).or_default();
        *of = (*of).max(Heard::of_kind(&row.text(1)?));
    }
    for listed in found.values_mut() {
        listed.heard = heard.get(&listed.facts.recording_id).copied().unwrap_or_default();
    }
    Ok(())
}

const MARKS: &str =
    "select recording_id, kind from event where recording_id in (?) and kind in ('one_way', 'silent')";

/// The first twenty are those of [`facts`].
pub(crate) const COLUMNS: &str = "recording_id, recorder_id, ledger_no, reference, started_at_us, ended_at_us, day, direction, method, side, \
    tap, tap_name, orphan, end_class, why, end_reason, packets, duplicate, late, reordered, external_reference, subject, \
    comment, held, parties, tracks, tags, flags, order_key";

pub(crate) fn listed(row: &Row) -> Result<Listed> {
    let odd = |_odd: serde_json::Error| damaged("a copy for lists");
    let parties: Vec<(u8, String, String, String)> = serde_json::from_str(&row.text(24)?).map_err(odd)?;
    let tracks: Vec<(u8, String, u32, String, u8, u8, u64)> =
        serde_json::from_str(&row.text(25)?).map_err(odd)?;
    let party = |(role, number, display, extension)| {
        let role = PartyRole::from_number(role);
        ListedParty { role, number, display, extension }
    };
    let track = |(leg, codec, clock_hz, fmtp, channels, opaque, missing)| {
        let opaque: u8 = opaque;
        ListedTrack { leg, codec, clock_hz, fmtp, channels, opaque: opaque != 0, missing }
    };
    Ok(Listed {
        facts: facts(row)?,
        parties: parties.into_iter().map(party).collect(),
        tracks: tracks.into_iter().map(track).collect(),
        flags: row.number(27, "flags")?,
        heard: Heard::Both,
        held: row.int(23)? != 0,
        external_reference: row.text(20)?,
        subject: row.text(21)?,
        comment: row.text(22)?,
        tags: serde_json::from_str(&row.text(26)?).map_err(odd)?,
    })
}
