-- The table of recordings again, now lying in the order of lists: a range of time is a range of the file.
create table recording_3 (
    -- The place in every list: start in microseconds times 2,048, plus a number that tells apart those of one microsecond.
    order_key       integer primary key check (order_key >= 0),
    recording_id    blob   not null unique check (length(recording_id) = 16),
    recorder_id     blob   not null check (length(recorder_id) = 16),
    -- 0 if a recovered file did not say.
    ledger_no       bigint not null check (ledger_no >= 0),
    reference       text   not null,
    started_at_us   bigint not null,
    ended_at_us     bigint not null,
    -- From start to end, never negative.
    length_us       bigint not null check (length_us >= 0),
    -- Civil day of the start in the site's zone, yyyymmdd.
    day             bigint not null check (day between 19700101 and 99991231),
    direction       smallint not null check (direction between 0 and 3),    -- unknown, in, out, internal
    method          smallint not null check (method between 0 and 4),       -- voip, isdn, analogue, digital, radio
    side            smallint not null check (side between 0 and 1),         -- trunk, extension
    tap             integer  not null check (tap between 0 and 65535),
    tap_name        text     not null,
    orphan          smallint not null check (orphan in (0, 1)),             -- no signalling announced it
    end_class       smallint not null check (end_class between 1 and 3),    -- recorded, partly, not recorded
    why             smallint not null check (why between 0 and 13),         -- closed list of the ledger
    end_reason      text     not null,
    packets         bigint   not null check (packets >= 0),
    duplicate       bigint   not null check (duplicate >= 0),
    late            bigint   not null check (late >= 0),
    reordered       bigint   not null check (reordered >= 0),
    -- Samples are missing for another reason than silence suppression.
    has_gap         smallint not null default 0 check (has_gap in (0, 1)),
    -- A legal hold is on; why is in `hold`.
    held            smallint not null default 0 check (held in (0, 1)),
    -- Which tap, method, side and direction.
    facet_id        bigint   not null default 0,
    -- The first two parties in `who`, and how many more there are. 0: nobody.
    who_a           bigint   not null default 0,
    who_b           bigint   not null default 0,
    more_parties    bigint   not null default 0,
    -- Written by people.
    external_reference text  not null default '',
    subject         text     not null default '',
    comment         text     not null default '',
    -- Copies for lists, as above.
    parties         text     not null default '[]',
    tracks          text     not null default '[]',
    tags            text     not null default '[]',
    flags           bigint   not null default 0 check (flags between 0 and 7)
);
insert into recording_3 (order_key, recording_id, recorder_id, ledger_no, reference, started_at_us, ended_at_us, length_us, day,
        direction, method, side, tap, tap_name, orphan, end_class, why, end_reason, packets, duplicate, late, reordered, has_gap,
        held, facet_id, who_a, who_b, more_parties, external_reference, subject, comment, parties, tracks, tags, flags)
    select order_key, recording_id, recorder_id, ledger_no, reference, started_at_us, ended_at_us, length_us, day,
        direction, method, side, tap, tap_name, orphan, end_class, why, end_reason, packets, duplicate, late, reordered, has_gap,
        held, facet_id, who_a, who_b, more_parties, external_reference, subject, comment, parties, tracks, tags, flags
    from recording order by order_key;
drop table recording;
alter table recording_3 rename to recording;
-- All that a search asks of a row, in one narrow strip.
create index recording_in_order on recording (order_key, facet_id, length_us, has_gap, held, who_a, who_b, more_parties);
-- An index of SQLite ends with the key of the table, so a day lies in the order of lists.
create index recording_by_day on recording (day);
create index recording_by_reference on recording (reference);
create index recording_by_ledger on recording (recorder_id, ledger_no);
