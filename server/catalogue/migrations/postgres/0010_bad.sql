-- The catalogue, version 10, for PostgreSQL: what was proven to lie on a medium and was found bad there, until a good copy is proven in its place.

-- One part whose file on a medium is not what was proven, or is gone. Its proof is removed in the same transaction, so it is due again.
create table archive_bad (
    media_id        bytea   not null references medium (media_id),
    recording_id    bytea   not null,
    part            bigint  not null,
    leaf            bigint  not null check (leaf >= 0),
    -- From the archive's root folder. Whatever lies there is kept aside, never overwritten.
    path            text collate "C"    not null,
    why             text collate "C"    not null,
    found_at_us     bigint  not null,
    primary key (media_id, recording_id, part),
    foreign key (recording_id, part) references part (recording_id, part)
);
create index archive_bad_by_recording on archive_bad (recording_id);

-- 1: all that was wrong is such files, and all else was whole.
alter table archive_check add column mends bigint not null default 0 check (mends between 0 and 1);
