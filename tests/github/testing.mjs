// A world that the model's own tests share the shape of, and small helpers for them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const WORKFLOW = `name: CI
on:
  push:
    branches: [main]
  workflow_dispatch:
    inputs:
      target:
        required: true
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: make test
  deploy:
    runs-on: ubuntu-latest
    environment: production
    steps:
      - run: make deploy
`;

/** An organization with an owner, a member, a team below another, an app, and one repository. */
export const acme = (more = {}) => ({
  organizations: [
    {
      login: 'acme',
      members: [{ login: 'ada', role: 'admin' }, 'bob'],
      teams: [
        { slug: 'platform', name: 'Platform', members: ['bob'] },
        { slug: 'build', name: 'Build', parent: 'platform', members: ['ada'] },
      ],
    },
  ],
  users: [{ login: 'ada', name: 'Ada', email: 'ada@acme.test' }, { login: 'bob', name: 'Bob', email: 'bob@acme.test' }, { login: 'eve' }],
  tokens: [
    { token: 'ghp_ada', user: 'ada', scopes: ['repo', 'workflow', 'read:org', 'user', 'delete_repo'] },
    { token: 'ghp_bob', user: 'bob', scopes: ['repo'] },
    { token: 'ghp_eve', user: 'eve', scopes: ['repo'] },
    { token: 'ghp_old', user: 'ada', scopes: ['repo'], expiresAt: '2020-01-01T00:00:00Z' },
  ],
  app: { slug: 'greenroom', installations: [{ account: 'acme' }] },
  repositories: [
    {
      owner: 'acme',
      name: 'shop',
      visibility: 'private',
      topics: ['retail'],
      teams: { platform: 'push' },
      files: { 'README.md': '# shop\n', 'catalog-info.yaml': 'kind: Component\n', '.github/workflows/ci.yml': WORKFLOW },
    },
  ],
  ...more,
});

/** Runs git with nobody's settings. */
export async function git(...args) {
  const settings = ['-c', 'user.name=Ada', '-c', 'user.email=ada@acme.test', '-c', 'init.defaultBranch=main'];
  const { stdout } = await run('git', [...settings, ...args], {
    env: {
      PATH: process.env.PATH,
      HOME: '/nonexistent',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
    },
  });
  return stdout.trim();
}

/** A folder that is gone after the test. */
export function temporary(t) {
  const folder = mkdtempSync(path.join(tmpdir(), 'github-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const cloneUrl = (world, token, repository) => `${world.url.replace('://', `://x-access-token:${token}@`)}/${repository}.git`;

/** Fails with what the model found wrong. */
export async function noViolations(world) {
  assert.deepEqual(await world.violations(), []);
}

/** A place for webhooks: `next` waits for one that `wanted` takes. */
export async function receiver(t) {
  const seen = [];
  const waiting = [];
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const delivery = {
        headers: request.headers,
        body,
        payload: body.startsWith('{') ? JSON.parse(body) : undefined,
        event: request.headers['x-github-event'],
      };
      response.end('ok');
      const index = waiting.findIndex(({ wanted }) => wanted(delivery));
      if (index >= 0) waiting.splice(index, 1)[0].resolve(delivery);
      else seen.push(delivery);
    });
  });
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${server.address().port}/webhooks`,
    next(wanted) {
      const index = seen.findIndex(wanted);
      if (index >= 0) return Promise.resolve(seen.splice(index, 1)[0]);
      return new Promise((resolve) => {
        waiting.push({ wanted, resolve });
      });
    },
  };
}
