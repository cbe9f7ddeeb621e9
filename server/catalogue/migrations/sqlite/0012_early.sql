-- The catalogue, version 12: a moment of a call that still goes on can be marked.

-- Notes on recordings that have no row yet, because their call goes on. The transaction that enters the recording makes them rows of
-- `note`; those of a call of which nothing was recorded stay here, and in the audit log.
create table early_note (
    early_id        integer primary key,
    recording_id    blob   not null check (length(recording_id) = 16),
    -- From the start of the recording; null: on the whole.
    at_us           bigint check (at_us >= 0),
    text            text   not null check (length(text) between 1 and 4000),
    by_user         bigint,
    by_name         text   not null,
    written_at_us   bigint not null
);
create index early_note_by_recording on early_note (recording_id, early_id);
