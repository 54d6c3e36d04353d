// Backstage's own client against a running portal: every method it has, asserting what it gives.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { load, startPortal } from '../portal.mjs';
import { noting } from './called.mjs';

const { CATALOG_FILTER_EXISTS, CatalogClient } = load('@backstage/catalog-client');
const { parseEntityRef, stringifyEntityRef } = load('@backstage/catalog-model');

const component = (name, owner) => `apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: ${name}, tags: [client] }
spec: { type: service, lifecycle: production, owner: ${owner} }
`;

// What the portal reads by HTTP; tests change it.
const files = new Map([
  ['/catalog-info.yaml', `${component('client-pay', 'team-a')}---\n${component('client-shop', 'team-b')}`],
  ['/moved.yaml', component('client-pay', 'team-a')],
  ...Array.from({ length: 5 }, (_, index) => [`/many-${index}.yaml`, component(`many-${index}`, 'team-m')]),
]);

let server;
let portal;
let client;
let options;
const called = new Set();

const at = (file) => `http://localhost:${server.address().port}/${file}`;

before(async () => {
  server = createServer((request, response) => {
    const text = files.get(request.url);
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'text/yaml' }).end(text);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const config = `backend: { reading: { allow: [{ host: 'localhost:${server.address().port}' }] } }\n`;
  portal = await startPortal({ config });
  const signedIn = await (await fetch(`${portal.url}/api/auth/guest/refresh`, { method: 'POST' })).json();
  options = { token: signedIn.backstageIdentity.token };
  const plain = new CatalogClient({ discoveryApi: { getBaseUrl: async (plugin) => `${portal.url}/api/${plugin}` } });
  client = noting(plain, called);
});

after(async () => {
  await portal?.stop();
  portal?.forget();
  server?.close();
});

const names = (entities) => entities.map((entity) => entity.metadata.name).sort();

async function collect(stream) {
  const found = [];
  for await (const part of stream) found.push(part);
  return found;
}

async function fails(promise, status) {
  await assert.rejects(promise, (error) => error.statusCode === status || error.response?.status === status);
}

let pay;

test('addLocation tries, registers, refuses and refreshes', async () => {
  const target = at('catalog-info.yaml');
  const tried = await client.addLocation({ target, dryRun: true }, options);
  assert.equal(tried.exists, false);
  assert.deepEqual(names(tried.entities).filter((name) => name.startsWith('client-')), ['client-pay', 'client-shop']);
  assert.deepEqual((await client.getLocations({}, options)).items, []);

  const { location } = await client.addLocation({ type: 'url', target }, options);
  assert.deepEqual([location.type, location.target], ['url', target]);
  assert.match(location.entityRef, /^location:default\/generated-[0-9a-f]{40}$/);
  await fails(client.addLocation({ target }, options), 409);
  const again = await client.addLocation({ target, onConflict: 'refresh' }, options);
  assert.equal(again.location.id, location.id);
  assert.equal((await client.addLocation({ target, dryRun: true }, options)).exists, true);
  await fails(client.addLocation({ target: at('none.yaml'), dryRun: true }, options), 400);
});

test('locations are found in every way', async () => {
  const { items } = await client.getLocations(undefined, options);
  assert.equal(items.length, 1);
  const [location] = items;
  assert.deepEqual(await client.getLocationById(location.id, options), location);
  assert.equal(await client.getLocationById('00000000-0000-4000-8000-000000000000', options), undefined);
  assert.deepEqual(await client.getLocationByRef(`url:${location.target}`, options), location);
  assert.equal(await client.getLocationByRef('url:https://example.com/none', options), undefined);
  assert.deepEqual(await client.getLocationByEntity('component:default/client-pay', options), location);
  assert.equal(await client.getLocationByEntity('component:default/none', options), undefined);
  const queried = await client.queryLocations({ query: { type: 'url', target: { $hasPrefix: 'http://' } } }, options);
  assert.deepEqual(queried, { items: [location], totalItems: 1, pageInfo: {} });
});

test('many locations are streamed page by page', async () => {
  const added = [];
  for (let index = 0; index < 5; index += 1) {
    added.push((await client.addLocation({ target: at(`many-${index}.yaml`) }, options)).location);
  }
  const pages = await collect(client.streamLocations({ limit: 2, query: { target: { $hasPrefix: at('many-') } } }, options));
  assert.deepEqual(pages.map((page) => page.length), [2, 2, 1]);
  assert.deepEqual(new Set(pages.flat().map(({ id }) => id)), new Set(added.map(({ id }) => id)));
});

test('entities are got one by one', async () => {
  pay = await client.getEntityByRef('component:default/client-pay', options);
  assert.equal(stringifyEntityRef(pay), 'component:default/client-pay');
  assert.equal(pay.metadata.annotations['backstage.io/managed-by-location'], `url:${at('catalog-info.yaml')}`);
  assert.deepEqual(await client.getEntityByRef(parseEntityRef('Component:client-pay', { defaultNamespace: 'default' }), options), pay);
  assert.deepEqual(await client.getEntityByName({ kind: 'component', name: 'client-pay' }, options), pay);
  assert.equal(await client.getEntityByRef('component:default/none', options), undefined);
  await fails(client.getEntityByRef('component:default/client-pay', { token: 'nonsense' }), 401);
});

test('getEntities filters, orders, pages and picks fields', async () => {
  const both = await client.getEntities({ filter: { kind: 'component', 'metadata.tags': 'client' }, order: { field: 'metadata.name', order: 'desc' }, limit: 2 }, options);
  assert.deepEqual(both.items.map((entity) => entity.metadata.name), ['many-4', 'many-3']);
  const rest = await client.getEntities({ filter: { 'metadata.tags': 'client' }, offset: 5, limit: 10, fields: ['metadata.name'] }, options);
  assert.deepEqual(rest.items.map((entity) => Object.keys(entity)), [['metadata'], ['metadata']]);
  const either = await client.getEntities({ filter: [{ 'metadata.name': ['client-pay', 'client-shop'] }, { 'metadata.name': 'many-1', 'spec.owner': CATALOG_FILTER_EXISTS }] }, options);
  assert.deepEqual(names(either.items), ['client-pay', 'client-shop', 'many-1']);
});

test('getEntitiesByRefs keeps the order and leaves gaps', async () => {
  const refs = ['component:default/client-shop', 'component:default/none', 'component:default/client-pay'];
  const { items } = await client.getEntitiesByRefs({ entityRefs: refs, fields: ['kind', 'metadata.name'] }, options);
  assert.deepEqual(items, [{ kind: 'Component', metadata: { name: 'client-shop' } }, undefined, { kind: 'Component', metadata: { name: 'client-pay' } }]);
  const filtered = await client.getEntitiesByRefs({ entityRefs: refs, filter: { 'spec.owner': 'team-a' } }, options);
  assert.deepEqual(filtered.items.map((entity) => entity?.metadata.name), [undefined, undefined, 'client-pay']);
  const meant = await client.getEntitiesByRefs({ entityRefs: refs, query: { 'spec.owner': 'team-b' }, filter: { kind: 'component' } }, options);
  assert.deepEqual(meant.items.map((entity) => entity?.metadata.name), ['client-shop', undefined, undefined]);
  // More references than one request can hold.
  const many = Array.from({ length: 3000 }, (_, index) => (index % 2 ? `component:default/none-${index}` : refs[0]));
  const found = await client.getEntitiesByRefs({ entityRefs: many, fields: ['kind'] }, options);
  assert.deepEqual(found.items.map((entity) => entity?.kind), many.map((_, index) => (index % 2 ? undefined : 'Component')));
});

for (const [how, asked] of [
  ['parameters', { filter: { 'metadata.tags': 'client' } }],
  ['a predicate', { query: { 'metadata.tags': { $contains: 'client' } } }],
]) {
  test(`queryEntities walks forth and back by ${how}`, async () => {
    const query = JSON.parse(JSON.stringify(asked));
    const first = await client.queryEntities({ ...query, limit: 3, orderFields: { field: 'metadata.name', order: 'asc' } }, options);
    assert.deepEqual([first.totalItems, first.pageInfo.prevCursor], [7, undefined]);
    const forth = [first];
    while (forth.at(-1).pageInfo.nextCursor) {
      forth.push(await client.queryEntities({ cursor: forth.at(-1).pageInfo.nextCursor, limit: 3 }, options));
    }
    const seen = forth.flatMap((page) => page.items.map((entity) => entity.metadata.name));
    assert.deepEqual(seen, ['client-pay', 'client-shop', 'many-0', 'many-1', 'many-2', 'many-3', 'many-4']);
    const back = [forth.at(-1)];
    while (back[0].pageInfo.prevCursor) {
      back.unshift(await client.queryEntities({ cursor: back[0].pageInfo.prevCursor, limit: 3, fields: ['metadata.name'] }, options));
    }
    assert.deepEqual(back.flatMap((page) => page.items.map((entity) => entity.metadata.name)), seen);
  });
}

test('queryEntities searches, leaves out and counts', async () => {
  const found = await client.queryEntities({ fullTextFilter: { term: ' SHOP ', fields: ['metadata.name'] }, filter: { 'metadata.tags': 'client' } }, options);
  assert.deepEqual([names(found.items), found.totalItems], [['client-shop'], 1]);
  const counted = await client.queryEntities({ limit: 0, filter: { 'metadata.tags': 'client' } }, options);
  assert.deepEqual([counted.items, counted.totalItems], [[], 7]);
  const uncounted = await client.queryEntities({ limit: 1, totalItems: 'exclude', filter: { 'metadata.tags': 'client' } }, options);
  assert.deepEqual([uncounted.items.length, uncounted.totalItems], [1, 0]);
  const skipped = await client.queryEntities({ offset: 6, filter: { 'metadata.tags': 'client' }, orderFields: [{ field: 'metadata.name', order: 'asc' }] }, options);
  assert.deepEqual(names(skipped.items), ['many-4']);
  const not = await client.queryEntities({ query: { $all: [{ 'metadata.tags': 'client' }, { $not: { 'spec.owner': { $in: ['team-m', 'team-b'] } } }] } }, options);
  assert.deepEqual(names(not.items), ['client-pay']);
  await fails(client.queryEntities({ cursor: 'nonsense' }, options), 400);
  await fails(client.queryEntities({ query: { $nope: [] } }, options), 400);
});

test('streamEntities gives everything in pages', async () => {
  for (const asked of [{ filter: { 'metadata.tags': 'client' } }, { query: { 'metadata.tags': 'client' } }]) {
    const pages = await collect(client.streamEntities({ ...asked, pageSize: 3 }, options));
    assert.deepEqual(pages.map((page) => page.length), [3, 3, 1]);
    assert.equal(new Set(pages.flat().map((entity) => entity.metadata.uid)).size, 7);
  }
});

test('facets are counted both ways', async () => {
  const expected = [{ value: 'team-a', count: 1 }, { value: 'team-b', count: 1 }, { value: 'team-m', count: 5 }];
  const filtered = await client.getEntityFacets({ facets: ['spec.owner', 'nope'], filter: { 'metadata.tags': 'client' } }, options);
  assert.deepEqual(filtered.facets, { 'spec.owner': expected, nope: [] });
  const meant = await client.getEntityFacets({ facets: ['spec.owner'], query: { 'metadata.tags': 'client' } }, options);
  assert.deepEqual(meant.facets, { 'spec.owner': expected });
});

test('ancestors lead to the registered location', async () => {
  const { rootEntityRef, items } = await client.getEntityAncestors({ entityRef: 'component:default/client-pay' }, options);
  assert.equal(rootEntityRef, 'component:default/client-pay');
  assert.deepEqual(items.map(({ entity }) => entity.kind), ['Component', 'Location']);
  assert.deepEqual(items[0].parentEntityRefs, [stringifyEntityRef(items[1].entity)]);
});

test('refreshEntity reads the file again', async () => {
  files.set('/catalog-info.yaml', `${component('client-pay', 'team-c')}---\n${component('client-shop', 'team-b')}`);
  await client.refreshEntity('component:default/client-pay', options);
  const changed = await client.getEntityByRef('component:default/client-pay', options);
  assert.deepEqual([changed.spec.owner, changed.metadata.uid], ['team-c', pay.metadata.uid]);
  assert.notEqual(changed.metadata.etag, pay.metadata.etag);
  await fails(client.refreshEntity('component:default/none', options), 404);
});

test('validateEntity says what is wrong', async () => {
  const { metadata: { name }, ...rest } = pay;
  const location = `url:${at('catalog-info.yaml')}`;
  const plain = { apiVersion: rest.apiVersion, kind: rest.kind, metadata: { name }, spec: rest.spec };
  assert.deepEqual(await client.validateEntity(plain, location, options), { valid: true });
  const { valid, errors } = await client.validateEntity({ ...plain, spec: {} }, location, options);
  assert.equal(valid, false);
  assert.match(errors[0].message, /must have required property/);
});

test('analyzeLocation finds descriptors and proposes one', async () => {
  const proposed = await client.analyzeLocation({ location: { type: 'url', target: 'https://example.com/acme/pay' } }, options);
  assert.deepEqual(proposed.existingEntityFiles, []);
  assert.equal(proposed.generateEntities[0].entity.metadata.name, 'pay');
  // The example organisation lies in a repository of the portal's own forge.
  const { items } = await client.getEntities({ filter: { kind: 'component' } }, options);
  const files = items.map((entity) => entity.metadata.annotations['backstage.io/managed-by-location'].slice('url:'.length));
  const file = files.find((target) => !target.includes('localhost') && target.endsWith('/catalog-info.yaml'));
  const location = { type: 'url', target: file.replace('/blob/', '/tree/').replace('/catalog-info.yaml', '') };
  const found = await client.analyzeLocation({ location, catalogFilename: 'catalog-info.yaml' }, options);
  const described = found.existingEntityFiles.find(({ entity }) => entity.kind === 'Component');
  assert.deepEqual([described.location, described.isRegistered], [{ type: 'url', target: file }, false]);
  assert.deepEqual(found.generateEntities, []);
  await fails(client.analyzeLocation({ location: { type: 'url', target: 'nope' } }, options), 400);
});

test('updateLocation keeps the id and what both targets declare', async () => {
  const before = await client.getLocationByEntity('component:default/client-pay', options);
  const moved = await client.updateLocation(before.id, { target: at('moved.yaml') }, options);
  assert.deepEqual(moved, { ...before, target: at('moved.yaml') });
  assert.equal((await client.getEntityByRef('component:default/client-pay', options)).metadata.uid, pay.metadata.uid);
  assert.equal(await client.getEntityByRef('component:default/client-shop', options), undefined);
  await fails(client.updateLocation(before.id, { target: at('many-1.yaml') }, options), 409);
  await fails(client.updateLocation('00000000-0000-4000-8000-000000000000', { target: at('other.yaml') }, options), 404);
});

test('removeEntityByUid and removeLocationById remove', async () => {
  await client.removeEntityByUid(pay.metadata.uid, options);
  assert.notEqual((await client.getEntityByRef('component:default/client-pay', options))?.metadata.uid, pay.metadata.uid);
  const { items } = await client.getLocations({}, options);
  for (const { id } of items) await client.removeLocationById(id, options);
  assert.deepEqual((await client.getLocations({}, options)).items, []);
  assert.deepEqual((await client.getEntities({ filter: { 'metadata.tags': 'client' } }, options)).items, []);
  await fails(client.removeLocationById(items[0].id, options), 404);
});

test('no method of the client was left out', () => {
  const methods = Object.getOwnPropertyNames(CatalogClient.prototype).filter((name) => name !== 'constructor');
  assert.ok(methods.length >= 25, methods.join());
  assert.deepEqual(methods.filter((name) => !called.has(name)), []);
});
