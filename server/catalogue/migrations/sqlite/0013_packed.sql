-- The catalogue, version 13: a search for two things of one call is answered from memory, column by column.
-- Filled by `met.rs` from the recordings, in the same transaction.

-- A section of the list: some thousand recordings, from `from_key` to before the next section; the sections of `met`.
create table packed (
    from_key    integer primary key check (from_key >= 0),
    -- From the counter `packed`: changes whenever the section does, and no two states of sections have the same.
    made        bigint not null check (made > 0),
    -- Place, parties, facet, length class and gap of each recording, column by column (`packed.rs`). May tell of a recording that is
    -- gone, never misses one.
    rows        blob   not null
);
-- Which sections there are, without reading them.
create index packed_made on packed (from_key, made);
