-- The catalogue, version 5, for PostgreSQL: where archives lie, what is proven to lie there, and what left the live store because of it.

-- One configured archive place.
create table location (
    location_id     bytea    primary key check (length(location_id) = 16),
    name            text collate "C"    not null check (length(name) between 1 and 64),
    kind            bigint  not null check (kind between 1 and 5),              -- folder, usb, nfs, smb, s3
    path            text collate "C"    not null,
    -- Particulars as a JSON object; never a secret.
    settings        text collate "C"    not null,
    media_set       bigint  not null check (media_set between 1 and 3),         -- one, any, all
    added_at_us     bigint  not null,
    -- From then on it counts no more.
    removed_at_us   bigint
);
create unique index location_by_name on location (name) where removed_at_us is null;

-- One drive, share or bucket that serves a location.
create table medium (
    media_id        bytea    primary key check (length(media_id) = 16),
    location_id     bytea    not null references location (location_id),
    media_gen       bigint  not null check (media_gen >= 0),
    label           text collate "C"    not null,
    lies_in         text collate "C"    not null,
    added_at_us     bigint  not null,
    -- Leaves below lie there, but for those in `archive_hole`.
    next_leaf       bigint  not null check (next_leaf >= 0),
    last_report     bytea    check (length(last_report) = 32),
    last_run_at_us  bigint,
    last_seen_at_us bigint,
    state           bigint  not null check (state between 1 and 3)              -- good, suspect, retired
);
create index medium_by_location on medium (location_id, added_at_us);

-- A leaf below a medium's `next_leaf` whose part does not lie there yet.
create table archive_hole (
    media_id        bytea    not null references medium (media_id),
    leaf            bigint  not null check (leaf >= 0),
    primary key (media_id, leaf)
);

-- One run of the archive. What it read back is proven once its report is: `report_sha256` is the only mark of it.
create table archive_run (
    run_id          bytea    primary key check (length(run_id) = 16),
    location_id     bytea    not null references location (location_id),
    media_id        bytea    not null references medium (media_id),
    begun_at_us     bigint  not null,
    ended_at_us     bigint,
    -- The leaves that were due: [first_leaf, end_leaf).
    first_leaf      bigint  not null check (first_leaf >= 0),
    end_leaf        bigint  not null check (end_leaf >= 0),
    outcome         bigint  check (outcome between 1 and 255),
    report_sha256   bytea    check (length(report_sha256) = 32),
    -- Leaves of the checkpoint that was written with it.
    checkpoint      bigint  not null check (checkpoint >= 0),
    files           bigint  not null check (files >= 0),
    bytes           bigint  not null check (bytes >= 0),
    message         text collate "C"    not null
);
create index archive_run_by_location on archive_run (location_id, begun_at_us);
create index archive_run_open on archive_run (media_id) where report_sha256 is null;

-- One part that was read back from one medium.
create table proof (
    recording_id    bytea    not null,
    part            bigint not null,
    media_id        bytea    not null references medium (media_id),
    -- The run that lists it in its report; a run that took over what one before it left is that run.
    run_id          bytea    not null references archive_run (run_id),
    leaf            bigint  not null check (leaf >= 0),
    -- From the archive's root folder.
    path            text collate "C"    not null,
    -- The whole file, trailer included.
    bytes           bigint  not null check (bytes > 0),
    -- Of everything before the trailer, as found on the medium.
    sha256          bytea    not null check (length(sha256) = 32),
    blake3          bytea    not null check (length(blake3) = 32),
    -- Of the whole file, as found on the medium.
    whole_sha256    bytea    not null check (length(whole_sha256) = 32),
    whole_blake3    bytea    not null check (length(whole_blake3) = 32),
    -- BLAKE3 of each 1 MiB of the whole file, one behind the other; empty when it is one piece.
    pieces          bytea    not null check (length(pieces) % 32 = 0),
    level           bigint  not null check (level between 0 and 5),
    -- Generation of the day's manifest that lists it; 0: not written yet.
    manifest        bigint  not null check (manifest >= 0),
    read_at_us      bigint  not null,
    primary key (recording_id, part, media_id),
    foreign key (recording_id, part) references part (recording_id, part)
);
create index proof_by_leaf on proof (media_id, leaf, bytes);
create index proof_by_run on proof (run_id, leaf);

-- The newest manifest of a day on a medium.
create table archive_manifest (
    media_id        bytea    not null references medium (media_id),
    day             bigint  not null check (day between 19700101 and 99991231),
    generation      bigint  not null check (generation > 0),
    sha256          bytea    not null check (length(sha256) = 32),
    primary key (media_id, day)
);

-- Numbers that are never given twice.
create table counter (
    name            text collate "C"    primary key,
    value           bigint  not null check (value > 0)
);

-- What `logged` holds in each 4,096 leaves, so that nobody counts ten million rows to say how much is due.
create table logged_block (
    block           bigint  primary key check (block >= 0),
    parts           bigint  not null check (parts >= 0),
    bytes           bigint  not null check (bytes >= 0)
);
insert into logged_block (block, parts, bytes)
    select l.leaf_index / 4096, count(*), sum(p.bytes)
    from logged l join part p on p.recording_id = l.recording_id and p.part = l.part
    group by l.leaf_index / 4096;

-- A recording whose audio leaves, or has left, the live store. Its rows, proofs and log stay.
create table purge (
    recording_id    bytea    primary key references recording (recording_id),
    state           bigint  not null check (state between 1 and 4),             -- intent, unlinking, unlinked, purged
    reason          bigint  not null check (reason between 1 and 2),            -- space, age
    -- The first of its leaves in the transparency log.
    leaf            bigint  not null check (leaf >= 0),
    intent_at_us    bigint  not null,
    changed_at_us   bigint  not null
);
create index purge_by_state on purge (state, intent_at_us);
create index purge_by_leaf on purge (leaf);

-- A recording of which something was not as it should be: nothing of it leaves the live store until somebody cleared it.
create table suspect (
    recording_id    bytea    primary key references recording (recording_id),
    reason          text collate "C"    not null,
    at_us           bigint  not null
);

-- A legal hold by order. Never removed: it is released.
create table hold_order (
    hold_id         bytea    primary key check (length(hold_id) = 16),
    reason          text collate "C"    not null check (length(reason) between 1 and 1000),
    owner           text collate "C"    not null check (length(owner) between 1 and 200),
    review_day      bigint  check (review_day between 19700101 and 99991231),
    -- Which calls, as JSON.
    coverage        text collate "C"    not null,
    -- The log has the digest of salt and coverage.
    salt            bytea    not null check (length(salt) = 32),
    placed_by       bigint,
    placed_by_name  text collate "C"    not null,
    placed_at_us    bigint  not null,
    released_by     bigint,
    released_by_name text collate "C",
    released_at_us  bigint,
    release_reason  text collate "C"    not null
);
create index hold_order_standing on hold_order (hold_id) where released_at_us is null;

-- How long calls of one kind are kept.
create table retention_class (
    name            text collate "C"    primary key check (length(name) between 1 and 64),
    -- Name, days and which calls, as JSON.
    rule            text collate "C"    not null
);

-- A change of a rule about keeping, and how far it is.
create table policy_change (
    change_id       bigint generated by default as identity primary key,
    what            bigint  not null check (what between 1 and 4),              -- class, class removed, location removed, media
    object          text collate "C"    not null,
    before          text collate "C"    not null,
    after           text collate "C"    not null,
    salt            bytea    not null check (length(salt) = 32),
    affected        bigint  not null check (affected >= 0),
    proposed_by     bigint,
    proposed_by_name text collate "C"   not null,
    proposed_at_us  bigint  not null,
    confirmed_by    bigint,
    confirmed_by_name text collate "C",
    confirmed_at_us bigint,
    effective_at_us bigint,
    applied_at_us   bigint,
    cancelled_by    bigint,
    cancelled_by_name text collate "C",
    cancelled_at_us bigint,
    check (applied_at_us is null or confirmed_at_us is not null)
);
