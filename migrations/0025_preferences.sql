-- What people set for themselves, looked at, and let programs do in their name.

-- A value by bucket and key, as Backstage keeps the settings of its users.
CREATE TABLE user_settings (
    user_ref text NOT NULL,
    bucket   text NOT NULL,
    key      text NOT NULL,
    value    jsonb NOT NULL,
    CONSTRAINT user_settings_pkey PRIMARY KEY (user_ref, bucket, key)
);

-- The entities whose pages somebody opened, and when last.
CREATE TABLE user_visits (
    user_ref   text NOT NULL,
    entity_ref text NOT NULL,
    visited_at timestamptz NOT NULL,
    CONSTRAINT user_visits_pkey PRIMARY KEY (user_ref, entity_ref)
);

-- Tokens that somebody made for programs; only a hash of each is kept.
CREATE TABLE auth_personal_tokens (
    id           uuid NOT NULL,
    token_hash   bytea NOT NULL,
    user_ref     text NOT NULL,
    name         text NOT NULL,
    -- The end of the token, which helps to find where it is used.
    hint         text NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    CONSTRAINT auth_personal_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT auth_personal_tokens_token_hash_key UNIQUE (token_hash)
);
CREATE INDEX auth_personal_tokens_user_ref_idx ON auth_personal_tokens (user_ref);
