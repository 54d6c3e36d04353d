// The model of Harbor: that it does what Greenroom needs as Harbor's description has it, and tells what is not.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startHarbor } from './server.mjs';

let harbor;
before(async () => { harbor = await startHarbor(); });
after(() => harbor?.stop());

async function call(method, where, body, { as = harbor.admin, query = '' } = {}) {
  const answer = await fetch(`${harbor.url}/api/v2.0${where}${query}`, {
    method, body: body && JSON.stringify(body),
    headers: { authorization: `Basic ${Buffer.from(`${as.name}:${as.password}`).toString('base64')}`, ...(body && { 'content-type': 'application/json' }) },
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text), headers: answer.headers };
}

async function token(as, scope) {
  const answer = await fetch(`${harbor.url}/service/token?service=harbor-registry&scope=${scope}`, { headers: { authorization: `Basic ${Buffer.from(`${as.name}:${as.password}`).toString('base64')}` } });
  return (await answer.json()).token;
}

/** Pushes an image by its two blobs and its manifest, as an OCI client does. */
async function push(as, repository, tag, content = 'layer') {
  const { createHash } = await import('node:crypto');
  const bearer = { authorization: `Bearer ${await token(as, `repository:${repository}:pull,push`)}` };
  const blobs = [Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } })), Buffer.from(content)];
  const parts = [];
  for (const blob of blobs) {
    const digest = `sha256:${createHash('sha256').update(blob).digest('hex')}`;
    const begun = await fetch(`${harbor.url}/v2/${repository}/blobs/uploads/`, { method: 'POST', headers: bearer });
    if (begun.status !== 202) return begun.status;
    const where = new URL(begun.headers.get('location'), harbor.url);
    where.searchParams.set('digest', digest);
    assert.equal((await fetch(where, { method: 'PUT', headers: { ...bearer, 'content-type': 'application/octet-stream' }, body: blob })).status, 201);
    parts.push({ digest, size: blob.length });
  }
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = { schemaVersion: 2, mediaType: type, config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...parts[0] }, layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...parts[1] }] };
  const answer = await fetch(`${harbor.url}/v2/${repository}/manifests/${tag}`, { method: 'PUT', headers: { ...bearer, 'content-type': type }, body: JSON.stringify(manifest) });
  return answer.status;
}

test('a project has a quota, robots that push and pull, and tags that stay', async () => {
  const made = await call('POST', '/projects', { project_name: 'acme', metadata: { public: 'false' }, storage_limit: 2000 });
  assert.equal(made.status, 201);
  assert.match(made.headers.get('location'), /^\/api\/v2\.0\/projects\/\d+$/);
  assert.equal((await call('POST', '/projects', { project_name: 'acme' })).body.errors[0].code, 'CONFLICT');
  const project = (await call('GET', '/projects/acme')).body;
  const [quota] = (await call('GET', '/quotas', undefined, { query: `?reference=project&reference_id=${project.project_id}` })).body;
  assert.deepEqual([quota.hard, quota.used, quota.ref.name], [{ storage: 2000 }, { storage: 0 }, 'acme']);

  const robot = async (name, actions) => {
    const { status, body } = await call('POST', '/robots', { name, level: 'project', duration: 30, permissions: [{ kind: 'project', namespace: 'acme', access: actions.map((action) => ({ resource: 'repository', action })) }] });
    assert.equal(status, 201);
    return { id: body.id, name: body.name, password: body.secret };
  };
  const ci = await robot('ci', ['pull', 'push']);
  const cluster = await robot('cluster', ['pull']);
  assert.equal(ci.name, 'robot$acme+ci');

  assert.equal((await call('POST', '/projects/acme/immutabletagrules', { tag_selectors: [{ kind: 'doublestar', decoration: 'matches', pattern: 'v*' }], scope_selectors: { repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: '**' }] } })).status, 201);
  assert.equal(await push(ci, 'acme/team/web', 'v1', 'first'), 201);
  assert.equal(await push(cluster, 'acme/team/web', 'v2', 'second'), 401);
  assert.equal(await push(ci, 'acme/team/web', 'v1', 'other'), 412);
  assert.equal(await push(ci, 'acme/team/web', 'big', 'x'.repeat(3000)), 403);

  const where = '/projects/acme/repositories/team%252Fweb/artifacts';
  const { body: artifacts, headers } = await call('GET', where, undefined, { query: '?with_immutable_status=true' });
  assert.equal(headers.get('x-total-count'), '1');
  assert.deepEqual(artifacts[0].tags.map(({ name, immutable }) => [name, immutable]), [['v1', true]]);
  assert.equal((await call('DELETE', `${where}/v1`)).status, 412);
  assert.equal((await call('GET', '/projects/acme', undefined, { as: cluster })).status, 403);
  assert.equal((await call('DELETE', '/projects/acme')).status, 412);

  const { status, body } = await call('PATCH', `/robots/${ci.id}`, { secret: '' });
  assert.equal(status, 200);
  assert.equal((await call('GET', '/projects', undefined, { as: ci })).status, 401);
  assert.notEqual(body.secret, ci.password);
  assert.deepEqual(harbor.violations, []);
});

test('what is not in the description is told', async () => {
  const wrong = await call('POST', '/projects', { project_name: 'shop', colour: 'green' });
  assert.equal(wrong.status, 422);
  assert.equal((await call('GET', '/nothing')).status, 404);
  assert.deepEqual(harbor.violations.map(({ kind, wrong: [first] }) => [kind, first]), [['request', 'the body must NOT have additional properties (colour)'], ['request', 'there is no such operation']]);
});

test('an answer fails as often as a test asks', async () => {
  harbor.faults.push({ path: '/projects$', method: 'GET', status: 503, times: 1 });
  assert.equal((await call('GET', '/projects')).status, 503);
  assert.equal((await call('GET', '/projects')).status, 200);
});
