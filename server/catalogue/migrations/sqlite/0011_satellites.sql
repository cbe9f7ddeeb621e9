-- The catalogue, version 11: satellites, and the invitations by which they come.

-- A recorder elsewhere that sends what it seals. Never removed: its recordings name it.
create table satellite (
    recorder_id     blob    primary key check (length(recorder_id) = 16),
    name            text    not null check (length(name) between 1 and 200),
    -- The letter of its references, of its own for ever.
    letter          text    not null unique check (length(letter) = 1),
    -- Its Ed25519 public key: trailers are verified with it.
    signing_key     blob    not null check (length(signing_key) = 32),
    -- SHA-256 of the certificate that it may show, and until when.
    certificate     blob    not null check (length(certificate) = 32),
    certificate_until_us bigint not null,
    enrolled_at_us  bigint  not null,
    revoked_by      bigint,
    revoked_by_name text,
    revoked_at_us   bigint,
    last_seen_at_us bigint,
    -- As it said itself, JSON; not trusted.
    status          text    not null,
    -- The configuration that it says it has.
    config_version  bigint  not null check (config_version >= 0),
    check ((revoked_at_us is null) = (revoked_by_name is null))
) without rowid;

-- A code with which one satellite may enrol.
create table invitation (
    invitation_id   blob    primary key check (length(invitation_id) = 16),
    -- What the proof of a code is checked with; never the code.
    secret          blob    not null check (length(secret) between 1 and 256),
    name            text    not null check (length(name) between 1 and 200),
    made_by         bigint,
    made_by_name    text    not null,
    made_at_us      bigint  not null,
    expires_at_us   bigint  not null,
    -- When it was used, or closed because of wrong proofs.
    closed_at_us    bigint,
    -- Who came with it.
    recorder_id     blob    references satellite (recorder_id),
    tries           bigint  not null check (tries >= 0)
) without rowid;
