// What the model answers otherwise than GitHub did when `@octokit/fixtures` were recorded, and why.

/** Recorded requests of operations that the portal never asks for, so that the model has none of them. */
export const UNKNOWN = [
  'POST /repos/octokit-fixture-org/create-status/statuses/',
  'GET /repos/octokit-fixture-org/create-status/commits/0000000000000000000000000000000000000001/statuses',
];

/** `kind`: `more` is a field of the model's, `missing` one of the record's. */
export const DIFFERENCES = [
  ...[
    /\.user_view_type$/,
    /^\.status$/,
    /\.verification\.verified_at$/,
    /^\.archived_at$/,
    /^\.(lock_branch|allow_fork_syncing)$/,
    /\.require_last_push_approval$/,
    /^\.has_discussions$/,
    /^\.(squash_)?merge_commit_(title|message)$/,
    /^\.security_and_analysis$/,
    /^\.custom_properties$/,
    /^\[\]\.closed_by$/,
  ].map((field) => ({ kind: 'more', field, why: "GitHub's description has it, and is newer than the record" })),
  { kind: 'more', route: /^PATCH /, field: /^\.temp_clone_token$/, why: 'the model shows what was changed as it shows what is read' },
];
