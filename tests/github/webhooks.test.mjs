// Webhooks: that they are signed, come again when asked, and have the shapes of GitHub's published examples.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import test, { after, before } from 'node:test';
import { appClient } from './clients.mjs';
import { startModel } from './model.mjs';
import { load } from './packages.mjs';
import { acme, noViolations, receiver } from './testing.mjs';

const examples = load('@octokit/webhooks-examples/api.github.com/index.json');

let model;
before(async () => {
  model = await startModel();
});
after(() => model.stop());

const signature = (secret, body) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

test('a delivery is signed, and comes again with the same number and body', async (t) => {
  const inbox = await receiver(t);
  const world = await model.create(acme({ webhook: { url: inbox.url } }));
  await world.event({ kind: 'rename', repository: 'acme/shop', name: 'store' });
  const first = await inbox.next(({ event }) => event === 'repository');
  assert.equal(first.payload.changes.repository.name.from, 'shop');
  assert.equal(first.payload.installation.id, world.app.installations[0].id);
  assert.equal(first.headers['x-hub-signature-256'], signature(world.app.webhookSecret, first.body));
  assert.equal(first.headers['x-github-hook-id'], String(world.app.id));
  await world.redeliver(first.headers['x-github-delivery']);
  const second = await inbox.next(({ event }) => event === 'repository');
  assert.equal(second.headers['x-github-delivery'], first.headers['x-github-delivery']);
  assert.equal(second.body, first.body);
  await noViolations(world);
});

test('a repository has hooks of its own', async (t) => {
  const inbox = await receiver(t);
  const world = await model.create(acme());
  const app = appClient(world, 0);
  await app.request('POST /repos/{owner}/{repo}/hooks', {
    owner: 'acme',
    repo: 'shop',
    config: { url: inbox.url, content_type: 'json', secret: 'of the hook' },
    events: ['push'],
  });
  const ping = await inbox.next(({ event }) => event === 'ping');
  assert.equal(ping.headers['x-hub-signature-256'], signature('of the hook', ping.body));
  const { sha } = await world.event({ kind: 'commit', repository: 'acme/shop', files: { 'a.txt': 'a' } });
  const push = await inbox.next(({ event }) => event === 'push');
  assert.equal(push.payload.after, sha);
  assert.deepEqual(push.payload.head_commit.added, ['a.txt']);
  await noViolations(world);
});

test('what happens is told in the shapes of the examples', async (t) => {
  const inbox = await receiver(t);
  const world = await model.create(acme({ webhook: { url: inbox.url } }));
  const events = [
    { kind: 'commit', repository: 'acme/shop', branch: 'topic', files: { 'a.txt': 'a' } },
    { kind: 'pull', repository: 'acme/shop', head: 'topic' },
    { kind: 'merge', repository: 'acme/shop', number: 1 },
    { kind: 'membership', organization: 'acme', login: 'eve' },
    { kind: 'membership', organization: 'acme', login: 'eve', team: 'platform' },
    { kind: 'membership', organization: 'acme', login: 'eve', team: 'platform', remove: true },
    { kind: 'team', organization: 'acme', slug: 'design', name: 'Design' },
    { kind: 'team', organization: 'acme', slug: 'design', remove: true },
    { kind: 'installation', account: 'acme', action: 'removed', repositories: ['shop'] },
    { kind: 'installation', account: 'acme', action: 'added', repositories: ['shop'] },
    { kind: 'installation', account: 'acme', action: 'suspend' },
    { kind: 'installation', account: 'acme', action: 'unsuspend' },
    { kind: 'visibility', repository: 'acme/shop', visibility: 'public' },
    { kind: 'rename', repository: 'acme/shop', name: 'store' },
    { kind: 'archive', repository: 'acme/store' },
    { kind: 'delete', repository: 'acme/store' },
  ];
  for (const event of events) await world.event(event);
  const told = await world.deliveries();
  const names = new Set(told.map(({ event, action }) => [event, action].filter(Boolean).join('.')));
  for (const name of [
    'push',
    'pull_request.opened',
    'pull_request.closed',
    'workflow_run.requested',
    'organization.member_added',
    'membership.added',
    'membership.removed',
    'team.created',
    'team.deleted',
    'installation.suspend',
    'installation_repositories.added',
    'repository.renamed',
    'repository.archived',
    'repository.deleted',
  ])
    assert.ok(names.has(name), name);
  for (const { event, action, payload, code } of told) {
    assert.equal(code, 200);
    const known = examples.find(({ name }) => name === event).examples.filter((example) => !action || example.action === action);
    // Fields that every example has, ours must have.
    const common = known.length ? Object.keys(known[0]).filter((key) => known.every((example) => key in example)) : [];
    for (const key of common) assert.ok(key in payload, `${event}.${action} lacks ${key}`);
  }
  await noViolations(world);
});
