-- The catalogue, version 9: a search for two things of one call finds it among postings, without a look at each row.

-- What a posting of a party, or of a gap, tells of its recording, in one number from the lowest bit: gap 1, length 6 (power of two
-- of milliseconds), facet 12, the other party 28. Nothing: the row must be looked at. `glance.rs` owns it.
alter table posting add column glance bigint check (glance >= 0);

-- The length of the number in binary, from its length in octal. Two statements, each along one range of the table.
update posting set glance = (
    select (case when r.who_a = posting.term - (1 << 48) then r.who_b else r.who_a end << 19)
        | (r.facet_id << 7)
        | (((length(printf('%o', r.length_us / 1000 + 1)) - 1) * 3
            + (printf('%o', r.length_us / 1000 + 1) >= '2') + (printf('%o', r.length_us / 1000 + 1) >= '4')) << 1)
        | r.has_gap
    from recording r indexed by recording_in_order
    where r.order_key = posting.order_key and r.more_parties = 0
        and r.facet_id < 1 << 12 and r.who_a < 1 << 28 and r.who_b < 1 << 28
        and posting.term - (1 << 48) in (r.who_a, r.who_b)
)
where term > 1 << 48 and term < 2 << 48;

update posting set glance = (
    select (r.facet_id << 7)
        | (((length(printf('%o', r.length_us / 1000 + 1)) - 1) * 3
            + (printf('%o', r.length_us / 1000 + 1) >= '2') + (printf('%o', r.length_us / 1000 + 1) >= '4')) << 1)
        | r.has_gap
    from recording r indexed by recording_in_order
    where r.order_key = posting.order_key and r.facet_id < 1 << 12
)
where term = (4 << 48) | 1;
