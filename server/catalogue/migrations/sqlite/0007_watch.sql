-- The catalogue, version 7: what must be known to warn in time. How much was recorded on each day, what stands to be told, what was
-- looked at, and what people stopped.

-- What `logged` holds of each day, so that neither a forecast nor a calendar counts ten million rows.
create table logged_day (
    day             bigint  primary key check (day between 19700101 and 99991231),
    parts           bigint  not null check (parts >= 0),
    bytes           bigint  not null check (bytes >= 0)
);
insert into logged_day (day, parts, bytes)
    select p.day, count(*), sum(p.bytes)
    from logged l join part p on p.recording_id = l.recording_id and p.part = l.part
    group by p.day;

-- Something about the archive that somebody should know, for as long as it is so.
create table notice (
    -- What it is about and where: one notice at a time has a key.
    notice_key      text    primary key,
    severity        bigint  not null check (severity between 1 and 3),          -- told, warning, urgent
    -- What the sentence is filled in with, as a JSON object.
    filled          text    not null,
    since_us        bigint  not null,
    -- Who has seen it; gone when it becomes worse.
    seen_by         bigint,
    seen_by_name    text,
    seen_at_us      bigint
);

-- One whole verification of a medium, one drill at a location, or the word of a person that a medium may be trusted again.
create table archive_check (
    check_id        integer primary key,
    location_id     blob    not null references location (location_id),
    -- Missing for a drill, which takes whatever media are connected.
    media_id        blob    references medium (media_id),
    what            bigint  not null check (what between 1 and 3),              -- verification, drill, trust
    begun_at_us     bigint  not null,
    ended_at_us     bigint  not null,
    -- 1: the medium was suspect then.
    was_suspect     bigint  not null check (was_suspect between 0 and 1),
    -- 1: everything was as it should be.
    well            bigint  not null check (well between 0 and 1),
    files           bigint  not null check (files >= 0),
    bytes           bigint  not null check (bytes >= 0),
    -- What was wrong, a JSON array of sentences; not all of them if there are many.
    findings        text    not null
);
create index archive_check_by_location on archive_check (location_id, what, ended_at_us);

-- A person ended a run: nothing is archived there by itself until the next evening.
create table archive_stop (
    location_id     blob    primary key references location (location_id),
    stopped_by      bigint,
    stopped_by_name text    not null,
    stopped_at_us   bigint  not null
);

-- The last day for which every daily login can be made from what lies on a location.
create table archive_logins (
    location_id     blob    primary key references location (location_id),
    until_day       bigint  not null check (until_day between 19700101 and 99991231)
);
