-- The catalogue, version 3, for PostgreSQL: a row of a list is read from one place.
-- What a list shows of parties, tracks and tags is written by `migrate.rs` from their tables, in the same transaction.

-- Copies of what stands in `party`, `leg`, `part` and `tag`, so that a row of a list is read from one place. JSON:
-- [[role, number, name, extension], ..]
alter table recording add column parties text collate "C" not null default '[]';
-- [[leg, codec, clock in Hz, format parameters, channels, 1 if it cannot be decoded, missing samples], ..], tracks of all parts
-- that differ in nothing but these samples as one
alter table recording add column tracks text collate "C" not null default '[]';
-- ["tag", ..]
alter table recording add column tags text collate "C" not null default '[]';
-- All flags of its parts.
alter table recording add column flags bigint not null default 0 check (flags between 0 and 7);

-- A day lies in the order of lists.
drop index recording_by_day;
create index recording_by_day on recording (day, order_key);
