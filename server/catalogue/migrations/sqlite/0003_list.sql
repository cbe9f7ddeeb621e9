-- The catalogue, version 3: a list takes one page of the file for each of its rows.
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
