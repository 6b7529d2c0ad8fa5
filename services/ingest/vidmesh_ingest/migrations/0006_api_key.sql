-- API keys: who holds one may call for its tenant. What opens the door is not here, only what it can be known by.
create table api_key (
    id text primary key,
    tenant text not null,
    name text not null,
    scopes text[] not null,
    -- SHA-256 of the secret, which has 256 random bits: a slow hash would guard nothing.
    digest bytea not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    used_at timestamptz,
    revoked_at timestamptz
);
create index api_key_newest on api_key (tenant, created_at desc);
