-- The catalogue, version 6: the newest calls of a thousand numbers are found where they are, not in a thousand lists.
-- Filled by `met.rs` from the recordings, in the same transaction.

-- Who spoke in a section of the list: some thousand recordings, from `from_key` to before the next section. The first begins at 0,
-- and there is no hole. May name a party that is no longer in it, never misses one.
create table met (
    from_key    integer primary key check (from_key >= 0),
    -- About so many; at 2,000 it is made anew from what is there.
    recordings  bigint not null check (recordings >= 0),
    -- Rows of `who`, rising, each as its difference from the one before: seven bits a byte, the lowest first.
    parties     blob   not null
);
