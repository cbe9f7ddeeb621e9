-- The catalogue, version 3: a list takes one page of the file for each of its rows, and parts of numbers stand in order.
-- What a list shows of parties, tracks and tags is written by `migrate.rs` from their tables, in the same transaction.

-- Copies of what stands in `party`, `leg`, `part` and `tag`, so that a row of a list is read from one place. JSON:
-- [[role, number, name, extension], ..]
alter table recording add column parties text not null default '[]';
-- [[leg, codec, clock in Hz, format parameters, channels, 1 if it cannot be decoded, missing samples], ..], tracks of all parts
-- that differ in nothing but these samples as one
alter table recording add column tracks text not null default '[]';
-- ["tag", ..]
alter table recording add column tags text not null default '[]';
-- All flags of its parts.
alter table recording add column flags bigint not null default 0 check (flags between 0 and 7);

-- Parts of folded numbers: each number from each of its characters to its end, 16 at most. A part of a number is a range here.
create table who_tail (
    tail        text   not null,
    who_id      bigint not null,
    primary key (tail, who_id)
) without rowid;
insert or ignore into who_tail (tail, who_id)
    with recursive rest (tail, who_id) as (
        select digits, who_id from who where digits <> ''
        union all select substr(tail, 2), who_id from rest where length(tail) > 1
    )
    select substr(tail, 1, 16), who_id from rest order by 1, 2;
drop table who_trigram;
