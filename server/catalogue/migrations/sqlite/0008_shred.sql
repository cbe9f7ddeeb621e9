-- The catalogue, version 8: what was destroyed on purpose at the end of its retention or by order, and where copies of its keys still lie.

-- A day whose keys, or a recording whose files, are to be destroyed, and how far that is. Never removed.
create table shred (
    shred_id        integer primary key,
    scope           bigint  not null check (scope between 1 and 2),             -- day, recording
    day             bigint  not null check (day between 19700101 and 99991231),
    recording_id    blob    check (length(recording_id) = 16),
    -- 1: by order of two persons, whatever retention says; 0: its retention is over.
    by_order        bigint  not null check (by_order between 0 and 1),
    reason          text    not null check (length(reason) between 1 and 1000),
    -- The log has the digest of salt and reason.
    salt            blob    not null check (length(salt) = 32),
    state           bigint  not null check (state between 1 and 5),             -- asked, intent, keyless, done here, cancelled
    asked_by        bigint,
    asked_by_name   text    not null,
    asked_at_us     bigint  not null,
    -- The second person, or who cancelled it.
    second_by       bigint,
    second_by_name  text,
    second_at_us    bigint,
    -- Its leaf in the transparency log; null until then, and if a restored log ends before it.
    leaf            bigint  check (leaf >= 0),
    -- Names of the keys that go, 8 octets each.
    key_ids         blob    not null check (length(key_ids) % 8 = 0),
    changed_at_us   bigint  not null,
    check ((scope = 2) = (recording_id is not null)),
    check (by_order = 0 or state in (1, 5) or second_at_us is not null)
);
create index shred_under_way on shred (state, shred_id);

-- A recording of which nothing can be heard any more: its rows stay, its audio does not.
create table shredded (
    recording_id    blob    primary key references recording (recording_id),
    shred_id        bigint  not null references shred (shred_id)
) without rowid;
create index shredded_by_shred on shredded (shred_id);

-- A medium on which copies of the keys or files may lie still.
create table shred_medium (
    shred_id        bigint  not null references shred (shred_id),
    media_id        blob    not null references medium (media_id),
    -- When they were seen to be gone from it.
    done_at_us      bigint,
    primary key (shred_id, media_id)
) without rowid;
create index shred_medium_pending on shred_medium (media_id) where done_at_us is null;
