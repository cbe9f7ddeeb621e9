-- The catalogue, version 2: found by people, labelled by people, and an account of what people did.
-- What cannot be said in SQL (folding texts, numbering who spoke) is filled by `migrate.rs` in the same transaction.

-- - the list of all recordings

-- The place of a recording in every list: start in microseconds times 2,048, plus a number that tells apart those of one microsecond.
alter table recording add column order_key bigint not null default 0 check (order_key >= 0);
-- From start to end, never negative.
alter table recording add column length_us bigint not null default 0 check (length_us >= 0);
-- Samples are missing for another reason than silence suppression.
alter table recording add column has_gap smallint not null default 0 check (has_gap in (0, 1));
-- A legal hold is on; why is in `hold`.
alter table recording add column held smallint not null default 0 check (held in (0, 1));
-- Which tap, method, side and direction.
alter table recording add column facet_id bigint not null default 0;
-- The first two parties in `who`, and how many more there are. 0: nobody.
alter table recording add column who_a bigint not null default 0;
alter table recording add column who_b bigint not null default 0;
alter table recording add column more_parties bigint not null default 0;
-- Written by people.
alter table recording add column external_reference text not null default '';
alter table recording add column subject text not null default '';
alter table recording add column comment text not null default '';

-- The extension at which the party sat; empty for a party outside, or if nothing tells.
alter table party add column extension text not null default '';
alter table party add column who_id bigint not null default 0;

drop index recording_by_start;
drop index party_by_number;

-- - who, where and how: small dictionaries, so that a list of millions needs numbers only

-- One row per distinct party. A part of a number is looked up here, among some hundred thousand, not among all calls.
create table who (
    who_id      integer primary key,
    number      text not null,
    extension   text not null,
    display     text not null,
    -- The number folded: what a search compares.
    digits      text not null,
    -- The words of the name folded, each behind a blank.
    words       text not null,
    unique (number, extension, display)
);
create index who_by_digits on who (digits, who_id);
create index who_by_extension on who (extension, who_id);
-- Inner digits: every three in a row.
create virtual table who_trigram using fts5 (digits, content = '', tokenize = 'trigram');
-- The words of names.
create table who_word (
    word        text   not null,
    who_id      bigint not null,
    primary key (word, who_id)
) without rowid;

create table facet (
    facet_id    integer primary key,
    tap_name    text     not null,
    method      smallint not null check (method between 0 and 4),
    side        smallint not null check (side between 0 and 1),
    direction   smallint not null check (direction between 0 and 3),
    unique (tap_name, method, side, direction)
);

-- Words of labels, and whole tags, folded.
create table word (
    word_id     integer primary key,
    word        text not null unique
);

-- What leads to recordings, in the order of lists. term = kind * 2^48 + number in its dictionary:
-- 1 who, 2 facet, 3 length (power of two of milliseconds), 4 flag (1 gap, 2 held), 5 tag, and words of
-- 6 subject, 7 comment, 8 external reference, 9 tags.
create table posting (
    term        bigint not null,
    order_key   bigint not null,
    primary key (term, order_key)
) without rowid;

-- The postings of one recording that labels made (kinds 5 to 9).
create table labelled (
    order_key   bigint not null,
    term        bigint not null,
    primary key (order_key, term)
) without rowid;

-- - what people write

create table tag (
    recording_id    blob   not null references recording (recording_id),
    tag             text   not null check (length(tag) between 1 and 64),
    by_user         bigint,
    by_name         text   not null,
    at_us           bigint not null,
    primary key (recording_id, tag)
);

create table note (
    note_id         integer primary key,
    recording_id    blob   not null references recording (recording_id),
    -- From the start of the recording; null: on the whole.
    at_us           bigint check (at_us >= 0),
    text            text   not null check (length(text) between 1 and 4000),
    by_user         bigint,
    by_name         text   not null,
    written_at_us   bigint not null,
    edited_at_us    bigint
);
create index note_by_recording on note (recording_id, note_id);

-- A legal hold. Removed when it is released; the history keeps it.
create table hold (
    recording_id    blob   primary key references recording (recording_id),
    reason          text   not null check (length(reason) between 1 and 1000),
    by_user         bigint,
    by_name         text   not null,
    at_us           bigint not null,
    review_day      bigint check (review_day between 19700101 and 99991231)
);

-- Every change of a label, with the text before and after.
create table label_change (
    change_id       integer primary key,
    recording_id    blob   not null references recording (recording_id),
    what            text   not null,
    before          text   not null,
    after           text   not null,
    by_user         bigint,
    by_name         text   not null,
    at_us           bigint not null
);
create index label_change_by_recording on label_change (recording_id, change_id);

-- - people

create table person (
    user_id         integer primary key,
    name            text     not null,
    -- The name folded: no two people have names that look alike.
    name_folded     text     not null unique,
    display         text     not null,
    role            smallint not null check (role between 0 and 3),  -- administrator, supervisor, auditor, agent
    scope           text     not null,
    password_phc    text,
    totp_secret     blob,
    totp_last_step  bigint,
    failures        bigint   not null check (failures >= 0),
    locked_until_us bigint,
    disabled        smallint not null check (disabled in (0, 1)),
    created_at_us   bigint   not null,
    link_digest     blob     unique check (length(link_digest) = 32),
    link_until_us   bigint,
    locale          text     not null
);

create table session (
    digest          blob     primary key check (length(digest) = 32),
    user_id         bigint   not null references person (user_id),
    created_at_us   bigint   not null,
    seen_at_us      bigint   not null,
    ends_at_us      bigint   not null,
    step            smallint not null check (step between 0 and 1),   -- password done, complete
    address         text     not null,
    agent           text     not null
);
create index session_by_user on session (user_id, created_at_us);

-- What people did. digest = SHA-256 of the digest before and of this row; rows are never changed and never deleted.
create table audit (
    number          integer  primary key check (number > 0),
    at_us           bigint   not null,
    actor           bigint,
    actor_name      text     not null,
    session         blob     check (length(session) = 8),
    address         text     not null,
    act             text     not null,
    object          text,
    outcome         smallint not null check (outcome between 0 and 2),  -- ok, refused, failed
    details         text     not null,
    digest          blob     not null check (length(digest) = 32)
);
create index audit_by_time on audit (at_us, number);
create index audit_by_actor on audit (actor_name, number);
create index audit_by_act on audit (act, number);
create index audit_by_object on audit (object, number);
