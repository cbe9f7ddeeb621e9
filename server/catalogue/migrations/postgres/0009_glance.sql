-- The catalogue, version 9. PostgreSQL plans by itself and asks no glance; new postings have them all the same, so that one text
-- enters them in both databases.
alter table posting add column glance bigint check (glance >= 0);
