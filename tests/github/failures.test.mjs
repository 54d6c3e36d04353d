// Faults that a test orders, and the limits that GitHub sets.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { appClient, failure, personal } from './clients.mjs';
import { startModel } from './model.mjs';
import { acme, noViolations } from './testing.mjs';

let model;
before(async () => {
  model = await startModel();
});
after(() => model.stop());

const shop = { owner: 'acme', repo: 'shop' };
const newIssue = 'POST /repos/{owner}/{repo}/issues';
const issues = async (world) => (await world.state()).repositories[0].issues.length;

/** A plain request, whose broken connection can be told from an answer. */
async function send(world, method, path, body) {
  try {
    const response = await fetch(world.apiUrl + path, {
      method,
      body: body && JSON.stringify(body),
      headers: { authorization: 'Bearer ghp_ada', 'user-agent': 'test' },
    });
    await response.arrayBuffer();
    return response;
  } catch {
    return { status: 0 };
  }
}

test('a connection is cut before the server acts, or after', async () => {
  const world = await model.create(acme());
  await world.fault({ method: 'POST', path: '/issues$', kind: 'cut-before' }, { method: 'POST', path: '/issues$', kind: 'cut-after' });
  const create = () => send(world, 'POST', '/repos/acme/shop/issues', { title: 'x' });
  assert.equal((await create()).status, 0);
  assert.equal(await issues(world), 0);
  assert.equal((await create()).status, 0);
  assert.equal(await issues(world), 1);
  assert.equal((await create()).status, 201);
  await noViolations(world);
});

test('faults strike as often as they are told to, and then no more', async () => {
  const world = await model.create(acme());
  await world.fault({ operationId: 'repos/get', kind: '502', times: 2, skip: 1 });
  const statuses = [];
  for (let count = 0; count < 4; count += 1) statuses.push((await send(world, 'GET', '/repos/acme/shop')).status);
  assert.deepEqual(statuses, [200, 502, 502, 200]);
  await world.fault(
    { path: '.', kind: '403-secondary', retryAfter: 7 },
    { path: '.', kind: '429' },
    { path: '.', kind: '401' },
    { path: '/issues', kind: '500-after' },
  );
  const limited = await send(world, 'GET', '/repos/acme/shop');
  assert.deepEqual([limited.status, limited.headers.get('retry-after')], [403, '7']);
  assert.equal((await send(world, 'GET', '/repos/acme/shop')).status, 429);
  assert.equal((await send(world, 'GET', '/repos/acme/shop')).status, 401);
  assert.equal((await send(world, 'POST', '/repos/acme/shop/issues', { title: 'x' })).status, 500);
  assert.equal(await issues(world), 1);
  await world.fault({ path: '.', kind: '500', times: 5 });
  await world.clearFaults();
  assert.equal((await send(world, 'GET', '/repos/acme/shop')).status, 200);
  await noViolations(world);
});

test('content is limited by the minute', async () => {
  const world = await model.create(acme({ limits: { contentPerMinute: 3 } }));
  const app = appClient(world, 0);
  for (let count = 0; count < 3; count += 1) await app.request(newIssue, { ...shop, title: `${count}` });
  const refused = await failure(app.request(newIssue, { ...shop, title: 'one more' }));
  assert.equal(refused.status, 403);
  assert.match(refused.data.message, /secondary rate limit/);
  await world.advance(Number(refused.headers['retry-after']) + 1);
  await app.request(newIssue, { ...shop, title: 'later' });
  assert.equal(await issues(world), 4);
  await noViolations(world);
});

test('the hourly limit is told, and an unchanged answer costs nothing', async () => {
  const world = await model.create(acme({ limits: { primaryPerHour: 3 } }));
  const ada = personal(world, 'ghp_ada');
  const { headers } = await ada.request('GET /repos/{owner}/{repo}', shop);
  assert.deepEqual([headers['x-ratelimit-limit'], headers['x-ratelimit-remaining'], headers['x-ratelimit-resource']], ['3', '2', 'core']);
  for (let count = 0; count < 5; count += 1) {
    const unchanged = await failure(ada.request('GET /repos/{owner}/{repo}', { ...shop, headers: { 'if-none-match': headers.etag } }));
    assert.equal(unchanged.status, 304);
  }
  await ada.request('GET /repos/{owner}/{repo}', shop);
  await ada.request('GET /repos/{owner}/{repo}', shop);
  const refused = await failure(ada.request('GET /repos/{owner}/{repo}', shop));
  assert.equal(refused.status, 403);
  assert.match(refused.data.message, /^API rate limit exceeded for user ID \d+/);
  assert.equal((await ada.request('GET /rate_limit')).data.resources.core.remaining, 0);
  await world.advance(3601);
  assert.equal((await ada.request('GET /repos/{owner}/{repo}', shop)).status, 200);
  assert.equal((await world.requests()).filter(({ conditional }) => conditional).length, 5);
  await noViolations(world);
});

test('points are limited by the minute', async () => {
  const world = await model.create(acme({ limits: { pointsPerMinute: 12 } }));
  const write = () => send(world, 'PUT', '/repos/acme/shop/topics', { names: ['a'] });
  assert.deepEqual([(await write()).status, (await write()).status, (await write()).status], [200, 200, 403]);
  assert.equal((await send(world, 'GET', '/repos/acme/shop')).status, 200);
  await world.advance(61);
  assert.equal((await write()).status, 200);
  await noViolations(world);
});

test('requests at once are limited', async () => {
  const world = await model.create(acme({ limits: { concurrent: 2 } }));
  await world.fault({ path: '/topics', kind: 'hold', times: 2 });
  const held = [send(world, 'GET', '/repos/acme/shop/topics'), send(world, 'GET', '/repos/acme/shop/topics')];
  const arrived = async () => (await world.requests()).filter(({ status }) => status === null).length;
  while ((await arrived()) < 2);
  assert.equal((await send(world, 'GET', '/repos/acme/shop')).status, 403);
  await world.clearFaults();
  assert.deepEqual(
    (await Promise.all(held)).map(({ status }) => status),
    [200, 200],
  );
  assert.equal((await send(world, 'GET', '/repos/acme/shop')).status, 200);
  await noViolations(world);
});
