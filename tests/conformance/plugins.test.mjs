// The clients of Backstage's search and documentation pages against a running portal: every method they have.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { modules, startPortal } from '../portal.mjs';

const clients = path.join(modules, '../clients/@backstage');
const { SearchClient } = await import(pathToFileURL(path.join(clients, 'plugin-search/apis.esm.js')));
const { TechDocsClient, TechDocsStorageClient } = await import(pathToFileURL(path.join(clients, 'plugin-techdocs/client.esm.js')));

const entity = { kind: 'component', namespace: 'default', name: 'greenroom' };
let portal;
let api;

before(async () => {
  // The client of the sync stream asks whether its page is seen.
  globalThis.window ??= globalThis;
  globalThis.document ??= { hidden: false, addEventListener() {}, removeEventListener() {} };
  portal = await startPortal();
  const signedIn = await (await fetch(`${portal.url}/api/auth/guest/refresh`, { method: 'POST' })).json();
  const authorization = `Bearer ${signedIn.backstageIdentity.token}`;
  api = {
    discoveryApi: { getBaseUrl: async (plugin) => `${portal.url}/api/${plugin}` },
    configApi: { getOptionalString: () => undefined },
    fetchApi: { fetch: (url, options = {}) => fetch(url, { ...options, headers: { ...options.headers, authorization } }) },
  };
  // Waits until the portal has read the documentation it shows of itself.
  assert.match(await new TechDocsStorageClient(api).syncEntityDocs(entity), /^(updated|cached)$/);
});

after(async () => {
  await portal?.stop();
  portal?.forget();
});

/** The same question until the index, which follows the catalog, has the answer. */
async function found(query) {
  const client = new SearchClient(api);
  for (let turn = 0; turn < 200; turn += 1) {
    const answer = await client.query(query);
    if (answer.results.length > 0) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing is found for ${JSON.stringify(query)}`);
}

test('search: entities, in the order and form that the page wants', async () => {
  const { results, numberOfResults } = await found({ term: 'checkout', types: ['software-catalog'], filters: { kind: 'Component' } });
  assert.ok(numberOfResults >= results.length);
  for (const { type, document, rank, highlight } of results) {
    assert.equal(type, 'software-catalog');
    assert.equal(document.kind, 'Component');
    assert.match(document.location, /^\/catalog\/default\/component\//);
    assert.ok(document.title && rank >= 1);
    assert.ok(highlight.preTag && highlight.postTag && 'title' in highlight.fields);
  }
  // The others are found by their owner.
  const [{ highlight }] = results;
  assert.equal(highlight.fields.title, `${highlight.preTag}Checkout${highlight.postTag} service`);
  assert.deepEqual(results.map(({ rank }) => rank), results.map((_, place) => place + 1));
});

test('search: pages of results lead on', async () => {
  const first = await found({ term: '', types: ['software-catalog'], pageLimit: 5 });
  assert.equal(first.results.length, 5);
  const next = await new SearchClient(api).query({ term: '', types: ['software-catalog'], pageLimit: 5, pageCursor: first.nextPageCursor });
  const places = (answer) => answer.results.map(({ document }) => document.location);
  assert.equal(new Set([...places(first), ...places(next)]).size, 10);
  assert.ok(next.previousPageCursor);
});

test('search: documentation', async () => {
  const { results } = await found({ term: 'environments', types: ['techdocs'], filters: { name: 'greenroom', kind: 'component' } });
  for (const { type, document } of results) {
    assert.equal(type, 'techdocs');
    assert.equal(document.name, 'greenroom');
    assert.match(document.location, /^\/docs\/default\/component\/greenroom\//);
  }
});

test('search: what cannot be read is refused with words', async () => {
  await assert.rejects(new SearchClient(api).query({ term: 'x', types: ['nothing'] }), (error) => error.body.error.name === 'InputError');
});

test('documentation: metadata', async () => {
  const client = new TechDocsClient(api);
  assert.equal(await client.getApiOrigin(), `${portal.url}/api/techdocs`);
  const site = await client.getTechDocsMetadata(entity);
  assert.ok(site.site_name && site.etag && site.build_timestamp > 0);
  assert.ok(site.files.includes('index.html') && site.files.includes('configuration/index.html'));
  const described = await client.getEntityMetadata(entity);
  assert.equal(described.metadata.name, 'greenroom');
  assert.ok(described.locationMetadata);
  await assert.rejects(client.getTechDocsMetadata({ ...entity, name: 'nothing' }), (error) => error.statusCode === 404);
});

test('documentation: pages and what they show', async () => {
  const client = new TechDocsStorageClient(api);
  assert.equal(await client.getBuilder(), 'local');
  assert.equal(await client.getStorageUrl(), `${portal.url}/api/techdocs/static/docs`);
  const page = await client.getEntityDocs(entity, 'configuration');
  assert.match(page, /<article[\s>]/);
  assert.match(page, /data-md-component="content"|class="md-content/);
  assert.match(await client.getEntityDocs(entity, ''), /<h1/);
  await assert.rejects(client.getEntityDocs(entity, 'no/such/page'), { name: 'NotFoundError' });
  const base = await client.getBaseUrl('../images/a.png', entity, 'configuration');
  assert.equal(base, `${portal.url}/api/techdocs/static/docs/default/component/greenroom/images/a.png`);
});

test('documentation: reading it again tells what is done', async () => {
  const said = [];
  assert.equal(await new TechDocsStorageClient(api).syncEntityDocs(entity, (line) => said.push(line)), 'cached');
});

test('documentation: the cookie lets a browser ask for pictures, and for nothing else', async () => {
  const url = `${portal.url}/api/techdocs/static/docs/default/component/greenroom/index.html`;
  assert.equal((await fetch(url)).status, 401);
  assert.ok(Date.parse((await new TechDocsClient(api).getCookie()).expiresAt) > Date.now());
  const given = await api.fetchApi.fetch(`${portal.url}/api/techdocs/.backstage/auth/v1/cookie`);
  const [words] = given.headers.getSetCookie();
  assert.match(words, /^backstage-auth=[^;]+;.*HttpOnly/);
  assert.match(words, /Path=\/api\/techdocs/);
  const headers = { cookie: words.split(';')[0] };
  assert.equal((await fetch(url, { headers })).status, 200);
  const written = await fetch(`${portal.url}/api/catalog/refresh`, { method: 'POST', headers, body: '{}' });
  assert.equal(written.status, 401);
  const gone = await api.fetchApi.fetch(`${portal.url}/api/techdocs/.backstage/auth/v1/cookie`, { method: 'DELETE' });
  assert.equal(gone.status, 204);
  assert.match(gone.headers.getSetCookie()[0], /Max-Age=0/);
});
