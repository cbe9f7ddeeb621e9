-- The catalogue, version 4: which leaf of the transparency log tells of which part.

create table logged (
    -- Place in the log, from 0.
    leaf_index      bigint  primary key check (leaf_index >= 0),
    recording_id    blob    not null,
    part            integer not null check (part between 0 and 65535),
    unique (recording_id, part),
    foreign key (recording_id, part) references part (recording_id, part)
) without rowid;

-- Parts that no leaf tells of yet: those of older versions, and those whose leaf the disk did not take. Start-up sees to them.
create table unlogged (
    recording_id    blob    not null,
    part            integer not null check (part between 0 and 65535),
    primary key (recording_id, part),
    foreign key (recording_id, part) references part (recording_id, part)
) without rowid;

insert into unlogged (recording_id, part) select recording_id, part from part;
