-- The catalogue, version 1, for PostgreSQL: as the one for SQLite, integers all of 64 bits. Times are microseconds of UTC since 1970 (suffix _us), identities sixteen bytes, enumerations the
-- numbers of the vocabulary. Text is UTF-8 and may be empty where the signalling did not say. Personal data (numbers, names)
-- is here and in the sealed files only.

-- Which versions this database went through.
create table schema_version (
    version     bigint primary key check (version > 0),
    applied_us  bigint not null
);

-- One call or transmission as captured. Its sealed files are in `part`.
create table recording (
    recording_id    bytea primary key check (length(recording_id) = 16),
    recorder_id     bytea   not null check (length(recorder_id) = 16),
    -- 0 if a recovered file did not say.
    ledger_no       bigint not null check (ledger_no >= 0),
    reference       text collate "C"   not null,
    started_at_us   bigint not null,
    ended_at_us     bigint not null,
    -- Civil day of the start in the site's zone, yyyymmdd.
    day             bigint not null check (day between 19700101 and 99991231),
    direction       bigint not null check (direction between 0 and 3),    -- unknown, in, out, internal
    method          bigint not null check (method between 0 and 4),       -- voip, isdn, analogue, digital, radio
    side            bigint not null check (side between 0 and 1),         -- trunk, extension
    tap             bigint  not null check (tap between 0 and 65535),
    tap_name        text collate "C"     not null,
    orphan          bigint not null check (orphan in (0, 1)),             -- no signalling announced it
    end_class       bigint not null check (end_class between 1 and 3),    -- recorded, partly, not recorded
    why             bigint not null check (why between 0 and 13),         -- closed list of the ledger
    end_reason      text collate "C"     not null,
    packets         bigint   not null check (packets >= 0),
    duplicate       bigint   not null check (duplicate >= 0),
    late            bigint   not null check (late >= 0),
    reordered       bigint   not null check (reordered >= 0)
);
-- The keyset of every list: newest first or oldest first.
create index recording_by_start on recording (started_at_us, recording_id);
create index recording_by_day on recording (day, started_at_us, recording_id);
create index recording_by_reference on recording (reference);
create index recording_by_ledger on recording (recorder_id, ledger_no);

-- One sealed file. A row is here only if its file is durable under `path`.
create table part (
    recording_id    bytea    not null references recording (recording_id),
    part            bigint not null check (part between 0 and 65535),
    started_at_us   bigint  not null,
    day             bigint  not null check (day between 19700101 and 99991231),
    ended_at_us     bigint  not null,
    path            text collate "C"    not null unique,
    -- The whole file, trailer included.
    bytes           bigint  not null check (bytes > 0),
    -- Of everything before the trailer, as the trailer says.
    sha256          bytea    not null check (length(sha256) = 32),
    blake3          bytea    not null check (length(blake3) = 32),
    -- 1 recovered, 2 damaged inside, 4 continued in a next part
    flags           bigint  not null check (flags between 0 and 7),
    frames          bigint  not null check (frames >= 0),
    signing_key_id  bytea    not null check (length(signing_key_id) = 8),
    primary key (recording_id, part)
);

-- One track of one part: one leg under one codec. samples + all gaps = its length, exactly.
create table leg (
    recording_id    bytea     not null references recording (recording_id),
    part            bigint  not null check (part between 0 and 65535),
    track           bigint not null check (track between 0 and 254),
    leg             bigint not null check (leg between 0 and 255),
    role            bigint not null check (role between 0 and 4),         -- unknown, near, far, joint, radio
    codec           text collate "C"     not null,
    clock_hz        bigint   not null check (clock_hz > 0),
    fmtp            text collate "C"     not null,
    channels        bigint not null check (channels between 0 and 255),
    joinable        bigint not null check (joinable in (0, 1)),
    opaque          bigint not null check (opaque in (0, 1)),
    samples         bigint   not null check (samples >= 0),
    -- Missing samples by cause, 0 to 5.
    gap_none        bigint   not null check (gap_none >= 0),
    gap_network     bigint   not null check (gap_network >= 0),
    gap_recorder    bigint   not null check (gap_recorder >= 0),
    gap_paused      bigint   not null check (gap_paused >= 0),
    gap_silence     bigint   not null check (gap_silence >= 0),
    gap_undecodable bigint   not null check (gap_undecodable >= 0),
    primary key (recording_id, part, track)
);

-- Who spoke, in the order in which the signalling named them.
create table party (
    recording_id    bytea     not null references recording (recording_id),
    place           bigint not null check (place between 0 and 255),
    role            bigint not null check (role between 0 and 2),         -- caller, called, other
    display         text collate "C"     not null,
    number          text collate "C"     not null,
    address         text collate "C"     not null,
    primary key (recording_id, place)
);
-- Leading digits are found by this; the inner digits of a number by a scan until there is a trigram index.
create index party_by_number on party (number, recording_id);

-- Keys that tie recordings of one call together: SIP Call-ID, Replaces, link ids.
create table call_link (
    recording_id    bytea     not null references recording (recording_id),
    place           bigint not null check (place between 0 and 255),
    call_id         text collate "C"     not null,
    primary key (recording_id, place)
);
create index call_link_by_call on call_link (call_id, recording_id);

-- What happened during a recording and may be searched for: digits, hold, transfer, masks, markers.
create table event (
    recording_id    bytea     not null references recording (recording_id),
    part            bigint  not null check (part between 0 and 65535),
    place           bigint  not null check (place >= 0),
    kind            text collate "C"     not null,
    -- From the start of the part.
    t_us            bigint   not null,
    track           bigint check (track between 0 and 254),
    -- Particulars as a JSON object; octets as hexadecimal digits.
    members         text collate "C"     not null,
    primary key (recording_id, part, place)
);

-- The account of every signalled call, one row per ledger entry of each recorder. The recorder's own file is the authority.
create table ledger (
    recorder_id     bytea     not null check (length(recorder_id) = 16),
    ledger_no       bigint   not null check (ledger_no > 0),
    recording_id    bytea     not null check (length(recording_id) = 16),
    reference       text collate "C"     not null,
    day             bigint   not null check (day between 19700101 and 99991231),
    opened_at_us    bigint   not null,
    ended_at_us     bigint,
    end_class       bigint check (end_class between 1 and 3),             -- recorded, partly, not recorded
    why             bigint check (why between 0 and 13),
    rule            bigint   check (rule >= 0),
    caller          text collate "C"     not null,
    called          text collate "C"     not null,
    primary key (recorder_id, ledger_no),
    check ((ended_at_us is null) = (end_class is null)),
    check ((end_class is null) = (why is null))
);
create index ledger_by_day on ledger (day, recorder_id, ledger_no);

-- Small settings of the site that belong to the catalogue.
create table setting (
    name            text collate "C" primary key,
    value           text collate "C" not null
);

-- One run of the capture, from start to stop.
create table capture_run (
    run_id          bytea   primary key check (length(run_id) = 16),
    started_at_us   bigint not null,
    ended_at_us     bigint,
    source          text collate "C"   not null,
    packets         bigint not null check (packets >= 0),
    kernel_drops    bigint not null check (kernel_drops >= 0),
    -- Further counters as a JSON object.
    summary         text collate "C"   not null
);
