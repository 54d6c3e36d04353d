-- Who is signed in, and the keys that sign API tokens.

-- One row for each browser that is signed in. The cookie itself is never stored, only its hash.
CREATE TABLE auth_sessions (
    token_hash bytea NOT NULL,
    user_ref   text NOT NULL,
    provider   text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT auth_sessions_pkey PRIMARY KEY (token_hash),
    CONSTRAINT auth_sessions_token_hash_is_sha256 CHECK (octet_length(token_hash) = 32)
);
CREATE INDEX auth_sessions_expires_at_idx ON auth_sessions (expires_at);

-- ES256 keys, shared by all replicas, so that a token outlives a restart. `private_key` is PKCS #8.
CREATE TABLE auth_signing_keys (
    id          uuid NOT NULL,
    private_key bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    -- Signs no more after this; verifies for the lifetime of the last token it signed.
    retires_at  timestamptz NOT NULL,
    CONSTRAINT auth_signing_keys_pkey PRIMARY KEY (id)
);
