//! How long calls are kept: classes, changes of them that wait, holds by order, and what was destroyed.

use serde::{Deserialize, Serialize};

/// All that is decided about keeping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Keeping {
    /// The classes in force, by name; without any every call is kept for ever.
    pub classes: Vec<KeptClass>,
    /// The last changes, the newest first.
    pub changes: Vec<KeepingChange>,
    /// Holds by order, standing ones first.
    pub holds: Vec<HoldByOrder>,
    /// The last destructions, the newest first.
    pub destroyed: Vec<Destruction>,
    /// What the server does with days whose retention is over: `ask` or `by-itself`.
    pub at_the_end: String,
}

/// Which calls a rule speaks of: all that is given must hold; nothing given means every call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Which {
    /// Somebody sat at an extension that one of these names: `3115`, `3111-3118`, `3***`.
    pub extensions: Vec<String>,
    /// It was heard at one of these taps.
    pub taps: Vec<String>,
    /// A party's number contains these digits.
    pub number: Option<String>,
    /// It has this tag.
    pub tag: Option<String>,
    /// It began on this day or later, `2026-11-22` in the site's zone.
    pub since: Option<String>,
    /// It began on this day or before.
    pub until: Option<String>,
}

/// How long calls of one kind are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct KeptClass {
    /// Its name, of 1 to 64 characters.
    pub name: String,
    /// Nobody may destroy a call of it within so many days of its end, but by order of two persons.
    pub min_days: u32,
    /// It is to be destroyed after so many days; `null`: never.
    pub max_days: Option<u32>,
    /// Which calls.
    pub which: Which,
}

/// A wish to change what is kept: one of both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct WishedChange {
    /// A class is made, or replaced.
    pub put: Option<KeptClass>,
    /// The class of this name goes.
    pub remove: Option<String>,
}

/// What a change would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeepingPreview {
    /// So many recordings would be at the end of their retention in 14 days by it alone.
    pub affected: u64,
    /// So many of these are held and stay.
    pub held: u64,
    /// There may be more: counting stopped.
    pub more: bool,
}

/// Who did something, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DoneBy {
    /// The name.
    pub name: String,
    /// When.
    pub at: String,
    /// It was you.
    pub you: bool,
}

/// How far a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// Another administrator must confirm it.
    Proposed,
    /// It waits for its day.
    Confirmed,
    /// It is in force.
    Applied,
    /// It never will be.
    Cancelled,
}

/// A change of what is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeepingChange {
    /// Its number.
    pub id: u64,
    /// The class, or the location, that it changes.
    pub object: String,
    /// The class as it was proposed; `null` if it goes, or if a location is changed.
    pub put: Option<KeptClass>,
    /// The class as it is replaced; `null` if there was none.
    pub before: Option<KeptClass>,
    /// What it changes: `class`, `class_removed`, `location_removed`, `media`.
    pub what: String,
    /// How far it is.
    pub state: ChangeState,
    /// So many recordings it would let go, as counted when it was confirmed, or else proposed.
    pub affected: u64,
    /// Who proposed it.
    pub proposed: DoneBy,
    /// Who confirmed it.
    pub confirmed: Option<DoneBy>,
    /// Who cancelled it.
    pub cancelled: Option<DoneBy>,
    /// From then on it is in force.
    pub effective_at: Option<String>,
}

/// A legal hold by order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HoldByOrder {
    /// Its name, 32 hexadecimal digits.
    pub id: String,
    /// Which calls, those to come included.
    pub which: Which,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// When somebody should ask whether it is still needed, a day.
    pub review: Option<String>,
    /// Who placed it.
    pub placed: DoneBy,
    /// Who released it.
    pub released: Option<DoneBy>,
    /// Why it was released; empty while it stands.
    pub release_reason: String,
}

/// A hold to be placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    /// Which calls.
    pub which: Which,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// When somebody should ask whether it is still needed, a day.
    pub review: Option<String>,
}

/// Which calls are meant, to be counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CountWhich {
    /// Which calls.
    pub which: Which,
}

/// How many calls that are there a rule speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Covered {
    /// So many.
    pub recordings: u64,
    /// Counting stopped: there may be more.
    pub more: bool,
}

/// Who answers for a hold now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeHold {
    /// Who answers for it.
    pub owner: String,
    /// When somebody should ask whether it is still needed, a day.
    pub review: Option<String>,
}

/// Something to be destroyed: one of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewDestruction {
    /// The keys of this day.
    pub day: Option<String>,
    /// This one recording, by its identity or reference.
    pub recording: Option<String>,
    /// True: order it whatever retention says; another administrator confirms. False: its retention must be over.
    pub order: bool,
    /// Why.
    pub reason: String,
}

/// Something that was destroyed, or is to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Destruction {
    /// Its number.
    pub id: u64,
    /// The day.
    pub day: String,
    /// The recording, if it is one alone.
    pub recording: Option<String>,
    /// `asked`, `intent`, `keyless`, `done`, `cancelled`.
    pub state: String,
    /// Two persons ordered it.
    pub order: bool,
    /// Why.
    pub reason: String,
    /// So many recordings.
    pub recordings: u64,
    /// Who asked for it.
    pub asked: DoneBy,
    /// Who confirmed or cancelled it.
    pub second: Option<DoneBy>,
    /// When its state last changed.
    pub changed_at: String,
    /// Media on which copies lie or lay.
    pub media: Vec<DestructionOnMedium>,
}

/// What a medium has to do with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DestructionOnMedium {
    /// The medium.
    pub id: String,
    /// What is written on it.
    pub label: String,
    /// Where it lies.
    pub lies_in: String,
    /// When its copies were removed; `null`: they may lie there still, until it is connected.
    pub done_at: Option<String>,
}
