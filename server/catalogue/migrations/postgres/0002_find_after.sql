-- The indexes of version 2 that need filled columns.

create unique index recording_by_order on recording (order_key);
-- All that a search asks of a row, in one narrow strip.
create index recording_in_order on recording (order_key, facet_id, length_us, has_gap, held, who_a, who_b, more_parties);
