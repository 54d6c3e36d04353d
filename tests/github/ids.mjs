// Numbers and names that GitHub gives out.
import { randomBytes } from 'node:crypto';

const PREFIX = {
  User: 'U',
  Organization: 'O',
  Repository: 'R',
  Team: 'T',
  Issue: 'I',
  PullRequest: 'PR',
  Label: 'LA',
  Ref: 'REF',
  Commit: 'C',
  Blob: 'B',
  Tree: 'T',
  App: 'A',
  Environment: 'EN',
  CheckRun: 'CR',
  CheckSuite: 'CS',
  WorkflowRun: 'WFR',
  Workflow: 'W',
  Ruleset: 'RRS',
  Policy: 'GA',
  Tag: 'TAG',
};

/** A node id: opaque to clients, yet it tells the kind and the number here. */
export function nodeId(kind, ...parts) {
  return `${PREFIX[kind] ?? kind}_kg${Buffer.from(`${kind}:${parts.join(':')}`).toString('base64url')}`;
}

/** The kind and the parts of a node id, or undefined. */
export function readNodeId(text) {
  const found = /^[A-Z]+_kg(.+)$/.exec(text);
  if (!found) return undefined;
  const [kind, ...parts] = Buffer.from(found[1], 'base64url').toString('utf8').split(':');
  return { kind, parts };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export function secret(prefix, length = 36) {
  return prefix + [...randomBytes(length)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

/** The name a repository gets for what was asked. */
export const repositoryName = (text) =>
  text
    .trim()
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/\.git$/, '')
    .slice(0, 100);

/** The slug of a team or an app. */
export const slugOf = (text) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^-+|-+$/g, '');
