// The model of GitHub, driven by GitHub's own clients and by git.
import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { appClient, failure, personal } from './clients.mjs';
import { startModel } from './model.mjs';
import { acme, cloneUrl, git, noViolations, temporary } from './testing.mjs';

let model;
before(async () => {
  model = await startModel();
});
after(() => model.stop());

const shop = { owner: 'acme', repo: 'shop' };

test('a repository is made, filled by the Git Data API and cloned by git', async (t) => {
  const world = await model.create(acme());
  const app = appClient(world, 0);
  const { data: made } = await app.request('POST /orgs/{org}/repos', { org: 'acme', name: 'my service!', private: true });
  assert.equal(made.name, 'my-service-');
  const repository = { owner: 'acme', repo: made.name };

  const empty = await failure(app.request('POST /repos/{owner}/{repo}/git/blobs', { ...repository, content: 'x' }));
  assert.equal(empty.status, 409);
  assert.equal(empty.data.message, 'Git Repository is empty.');

  const put = { ...repository, path: 'README.md', message: 'Begin', content: Buffer.from('hello').toString('base64') };
  const { data: first } = await app.request('PUT /repos/{owner}/{repo}/contents/{path}', put);
  const files = Array.from({ length: 2000 }, (_, index) => ({
    path: `pkg-${index % 40}/file-${index}.txt`,
    mode: '100644',
    type: 'blob',
    content: `file ${index}\n`,
  }));
  const { data: script } = await app.request('POST /repos/{owner}/{repo}/git/blobs', {
    ...repository,
    content: Buffer.from('#!/bin/sh\n').toString('base64'),
    encoding: 'base64',
  });
  files.push({ path: 'run.sh', mode: '100755', type: 'blob', sha: script.sha });
  const { data: tree } = await app.request('POST /repos/{owner}/{repo}/git/trees', {
    ...repository,
    base_tree: first.commit.tree.sha,
    tree: files,
  });
  const { data: commit } = await app.request('POST /repos/{owner}/{repo}/git/commits', {
    ...repository,
    message: 'Add everything',
    tree: tree.sha,
    parents: [first.commit.sha],
  });
  await app.request('PATCH /repos/{owner}/{repo}/git/refs/{ref}', { ...repository, ref: 'heads/main', sha: commit.sha });

  const folder = path.join(temporary(t), 'clone');
  await git('clone', '--quiet', cloneUrl(world, 'ghp_ada', 'acme/my-service-'), folder);
  assert.equal(await git('-C', folder, 'rev-parse', 'HEAD^{tree}'), tree.sha);
  assert.equal(await git('-C', folder, 'rev-parse', 'HEAD'), commit.sha);
  assert.equal((await git('-C', folder, 'ls-files', '--stage', 'run.sh')).split(' ')[0], '100755');
  await git('-C', folder, 'fsck', '--strict');

  const state = (await world.state()).repositories.find(({ name }) => name === 'my-service-');
  assert.deepEqual(
    state.branches.map(({ name, tip, tree: own, files: count }) => ({ name, tip, own, count })),
    [{ name: 'main', tip: commit.sha, own: tree.sha, count: 2002 }],
  );
  await noViolations(world);
});

test('a tree on a base adds, replaces and deletes', async () => {
  const world = await model.create(acme());
  const app = appClient(world, 0);
  const { data: ref } = await app.request('GET /repos/{owner}/{repo}/git/ref/{ref}', { ...shop, ref: 'heads/main' });
  const changes = [
    { path: 'README.md', mode: '100644', type: 'blob', sha: null },
    { path: 'docs/index.md', mode: '100644', type: 'blob', content: 'docs' },
  ];
  const { data: commit } = await app.request('GET /repos/{owner}/{repo}/git/commits/{commit_sha}', { ...shop, commit_sha: ref.object.sha });
  const { data: tree } = await app.request('POST /repos/{owner}/{repo}/git/trees', { ...shop, base_tree: commit.tree.sha, tree: changes });
  const { data: whole } = await app.request('GET /repos/{owner}/{repo}/git/trees/{tree_sha}', {
    ...shop,
    tree_sha: tree.sha,
    recursive: '1',
  });
  assert.deepEqual(
    whole.tree.filter(({ type }) => type === 'blob').map((one) => one.path),
    ['.github/workflows/ci.yml', 'catalog-info.yaml', 'docs/index.md'],
  );
  const missing = await failure(app.request('POST /repos/{owner}/{repo}/git/trees', { ...shop, base_tree: tree.sha, tree: [changes[0]] }));
  assert.equal(missing.status, 422);
  await noViolations(world);
});

test('pushes move branches, and rules refuse some', async (t) => {
  const world = await model.create(acme());
  const app = appClient(world, 0);
  const folder = path.join(temporary(t), 'clone');
  await git('clone', '--quiet', cloneUrl(world, 'ghp_bob', 'acme/shop'), folder);
  writeFileSync(path.join(folder, 'new.txt'), 'new\n');
  await git('-C', folder, 'add', '.');
  await git('-C', folder, 'commit', '--quiet', '--message', 'Add new');
  await git('-C', folder, 'push', '--quiet');
  assert.equal((await world.state()).repositories[0].branches[0].tip, await git('-C', folder, 'rev-parse', 'HEAD'));

  const protection = {
    ...shop,
    branch: 'main',
    required_status_checks: null,
    enforce_admins: true,
    required_pull_request_reviews: { required_approving_review_count: 1 },
    restrictions: null,
  };
  await app.request('PUT /repos/{owner}/{repo}/branches/{branch}/protection', protection);
  await git('-C', folder, 'commit', '--quiet', '--allow-empty', '--message', 'More');
  await assert.rejects(git('-C', folder, 'push', '--quiet'), /GH006: Protected branch update failed/);
  await git('-C', folder, 'push', '--quiet', 'origin', 'HEAD:refs/heads/topic');
  await assert.rejects(git('clone', '--quiet', cloneUrl(world, 'ghp_eve', 'acme/shop'), `${folder}-eve`), /not found/);
  await noViolations(world);
});

test('every caller sees what is theirs', async () => {
  const world = await model.create(
    acme({ app: { slug: 'greenroom', installations: [{ account: 'acme', permissions: { contents: 'read' } }] } }),
  );
  const path_ = 'GET /repos/{owner}/{repo}';
  assert.equal(
    (await personal(world, 'ghp_ada').request(path_, shop)).headers['x-oauth-scopes'],
    'repo, workflow, read:org, user, delete_repo',
  );
  for (const [token, status, message] of [
    [undefined, 404, 'Not Found'],
    ['ghp_eve', 404, 'Not Found'],
    ['ghp_old', 401, 'Bad credentials'],
    ['ghp_wrong', 401, 'Bad credentials'],
  ]) {
    const refused = await failure(personal(world, token).request(path_, shop));
    assert.deepEqual([refused.status, refused.data.message], [status, message]);
  }
  const refused = await failure(appClient(world, 0).request('POST /repos/{owner}/{repo}/issues', { ...shop, title: 'x' }));
  assert.deepEqual([refused.status, refused.data.message], [403, 'Resource not accessible by integration']);
  assert.equal(refused.headers['x-accepted-github-permissions'], 'issues=write');
  const admin = await failure(personal(world, 'ghp_bob').request('PATCH /repos/{owner}/{repo}', { ...shop, has_wiki: false }));
  assert.deepEqual([admin.status, admin.data.message], [403, 'Must have admin rights to Repository.']);
  await noViolations(world);
});

test('an installation token is for its repositories, for an hour', async () => {
  const world = await model.create(acme());
  await world.event({ kind: 'create', repository: 'acme/other', settings: { private: true } });
  const { data } = await appClient(world).request('POST /app/installations/{installation_id}/access_tokens', {
    installation_id: world.app.installations[0].id,
    repositories: ['shop'],
    permissions: { contents: 'read' },
  });
  const client = personal(world, data.token);
  const { data: seen } = await client.request('GET /installation/repositories');
  assert.deepEqual(
    seen.repositories.map(({ name }) => name),
    ['shop'],
  );
  assert.equal((await failure(client.request('GET /repos/{owner}/{repo}', { owner: 'acme', repo: 'other' }))).status, 404);
  await world.advance(3601);
  assert.equal((await failure(client.request('GET /installation/repositories'))).status, 401);
  await noViolations(world);
});

test("the app's own token must be signed and short", async () => {
  const world = await model.create(acme());
  const now = Math.floor(Date.now() / 1000);
  const make = (claims) => {
    const text = [
      { alg: 'RS256', typ: 'JWT' },
      { iss: world.app.id, iat: now - 30, exp: now + 300, ...claims },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    return `${text}.${sign('RSA-SHA256', Buffer.from(text), createPrivateKey(world.app.privateKey)).toString('base64url')}`;
  };
  assert.equal((await personal(world, make({})).request('GET /app')).data.slug, 'greenroom');
  const cases = [
    [make({ exp: now + 3600 }), /too far in the future/],
    [make({ exp: now - 10 }), /must be a numeric value/],
    [`${make({}).slice(0, -8)}AAAAAAAA`, /could not be decoded/],
  ];
  for (const [token, words] of cases) {
    const refused = await failure(personal(world, token).request('GET /app'));
    assert.equal(refused.status, 401);
    assert.match(refused.data.message, words);
  }
  await noViolations(world);
});

test('single sign-on is asked for', async () => {
  const world = await model.create(
    acme({
      organizations: [{ login: 'acme', requiresSso: true, members: [{ login: 'ada', role: 'admin' }] }],
      repositories: [{ owner: 'acme', name: 'shop', visibility: 'private' }],
    }),
  );
  const refused = await failure(personal(world, 'ghp_ada').request('GET /repos/{owner}/{repo}', shop));
  assert.equal(refused.status, 403);
  assert.match(refused.headers['x-github-sso'], /^required; url=http/);
  await noViolations(world);
});

test('a renamed repository is found by its old name', async () => {
  const world = await model.create(acme());
  const ada = personal(world, 'ghp_ada');
  await world.event({ kind: 'rename', repository: 'acme/shop', name: 'store' });
  const { data, url } = await ada.request('GET /repos/{owner}/{repo}', shop);
  assert.equal(data.full_name, 'acme/store');
  assert.match(url, /\/repositories\/\d+$/);
  const taken = await failure(ada.request('POST /orgs/{org}/repos', { org: 'acme', name: 'store' }));
  assert.equal(taken.data.errors[0].message, 'name already exists on this account');
  await noViolations(world);
});

test('what is not documented is noted', async () => {
  const world = await model.create(acme());
  const app = appClient(world, 0);
  const cases = [
    ['GET /repos/{owner}/{repo}/secrets-of-all', {}, 404, /no operation/],
    ['POST /orgs/{org}/repos', { org: 'acme', name: 'x', colour: 'green' }, 400, /\/colour is not documented/],
    ['GET /orgs/{org}/repos?kind=all', { org: 'acme' }, 400, /kind is not documented/],
    ['POST /repos/{owner}/{repo}/issues', { body: 'no title' }, 422, /title/],
    ['PATCH /repos/{owner}/{repo}', { has_wiki: 'yes' }, 422, /\/has_wiki must be boolean/],
  ];
  for (const [route, fields, status, words] of cases) {
    assert.equal((await failure(app.request(route, { ...shop, ...fields }))).status, status, route);
    const found = await world.violations();
    assert.match(found.at(-1).wrong.join('\n'), words);
  }
  assert.equal((await world.violations()).length, cases.length);
  assert.ok(!(await world.state()).repositories.some(({ name }) => name === 'x'));
});

test('requests are told with what they were', async () => {
  const world = await model.create(acme());
  const app = appClient(world, 0);
  await app.request('GET /repos/{owner}/{repo}', shop);
  await app.request('POST /repos/{owner}/{repo}/issues', { ...shop, title: 'x' });
  const told = (await world.requests()).map(({ operationId, kind, status }) => ({ operationId, kind, status }));
  assert.deepEqual(told, [
    { operationId: 'apps/create-installation-access-token', kind: 'token', status: 201 },
    { operationId: 'repos/get', kind: 'read', status: 200 },
    { operationId: 'issues/create', kind: 'content', status: 201 },
  ]);
  await world.forget();
  assert.deepEqual(await world.requests(), []);
});
