// The model's answers beside those that GitHub itself gave: `@octokit/fixtures` has requests with their recorded answers. Each
// request that the model knows is sent to it again, in a world like the one it was recorded in, and the answer must have the
// same status, the same fields and the same types. What differs on purpose stands in `recorded.mjs` with its reason.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { after, before } from 'node:test';
import { startModel } from './model.mjs';
import { packageFile } from './packages.mjs';
import { DIFFERENCES, UNKNOWN } from './recorded.mjs';
import { noViolations } from './testing.mjs';

const ORGANIZATION = 'octokit-fixture-org';
const ADMIN = 'octokit-fixture-user-a';

const recorded = (scenario) =>
  JSON.parse(readFileSync(packageFile(`@octokit/fixtures/scenarios/api.github.com/${scenario}/normalized-fixture.json`), 'utf8'));

/** The scenarios that the model has something of, and what is in the repository before. */
const SCENARIOS = {
  'add-labels-to-issue': {},
  'branch-protection': {},
  'create-file': { files: undefined },
  'create-status': {},
  errors: {},
  'get-archive': {},
  'get-content': { name: 'hello-world' },
  'get-organization': { name: 'hello-world' },
  'get-repository': { name: 'hello-world' },
  'git-refs': {},
  labels: {},
  'paginate-issues': { issues: 13 },
  'rename-repository': {},
};

let model;
before(async () => {
  model = await startModel();
});
after(() => model.stop());

const met = new Set();

for (const [scenario, { name = scenario, files = { 'README.md': '# hello-world' }, issues = 0 }] of Object.entries(SCENARIOS)) {
  test(`what GitHub answered in "${scenario}" has the shape of what the model answers`, async () => {
    const world = await model.create({
      users: [{ login: ADMIN, name: 'Octocat' }, { login: 'octokit-fixture-user-b' }],
      organizations: [{ login: ORGANIZATION, members: [{ login: ADMIN, role: 'admin' }], plan: 'free' }],
      tokens: [
        { token: 'ghp_a', user: ADMIN, scopes: ['repo', 'delete_repo', 'admin:org', 'user'] },
      ],
      repositories: [{ owner: ORGANIZATION, name, visibility: 'public', files }],
    });
    const ask = (method, path, body, accept = 'application/vnd.github+json') =>
      fetch(`${world.apiUrl}${path}`, {
        method,
        redirect: 'manual',
        headers: { authorization: `Bearer ghp_a`, accept, 'content-type': 'application/json', 'user-agent': 'recorded' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
    const repository = `/repos/${ORGANIZATION}/${name}`;
    for (let number = 1; number <= issues; number += 1) await ask('POST', `${repository}/issues`, { title: `Test issue ${number}` });
    const { id } = await (await ask('GET', repository)).json();
    const tip = files ? await (await ask('GET', `${repository}/commits/HEAD`)).json() : undefined;
    const here = (text) =>
      text
        .replaceAll(/0{39}[12]/g, tip?.sha)
        .replaceAll('/repositories/1000', `/repositories/${id}`)
        // GitHub had all references at this address, and has them at the other one now.
        .replace(/\/git\/refs\/$/, '/git/matching-refs/heads/');
    const differences = [];
    for (const { scope, method, path, status, response, body, reqheaders, headers } of recorded(scenario)) {
      const route = `${method.toUpperCase()} ${path.split('?')[0]}`;
      if (!scope.includes('//api.github.com') || UNKNOWN.some((known) => route.startsWith(known))) continue;
      const sent = body ? JSON.parse(here(typeof body === 'string' ? body : JSON.stringify(body))) : undefined;
      const raw = /raw/.test(reqheaders?.accept) ? reqheaders.accept : undefined;
      const answer = await ask(method.toUpperCase(), here(path), sent, raw);
      const text = await answer.text();
      const note = (kind, field) => differences.push({ scenario, route, kind, field });
      if (answer.status !== status) note('status', `${status} ≠ ${answer.status} ${text}`);
      else if (typeof response === 'object' && text) compare(response, JSON.parse(text), '', note);
      const links = (value) => [...(value ?? '').matchAll(/rel="(\w+)"/g)].map(([, rel]) => rel).sort();
      const theirs = links(headers?.link);
      if (String(theirs) !== String(links(answer.headers.get('link')))) note('links', `${theirs} ≠ ${links(answer.headers.get('link'))}`);
    }
    const meant = ({ route, kind, field }) =>
      DIFFERENCES.find((known) => known.kind === kind && known.field.test(field) && (!known.route || known.route.test(route)));
    for (const one of differences) if (meant(one)) met.add(meant(one));
    const unmeant = differences.filter((one) => !meant(one)).map(({ route, kind, field }) => `${route}: ${kind} ${field}`);
    assert.deepEqual([...new Set(unmeant)], []);
    await noViolations(world);
  });
}

test('every difference that is meant is met', () => {
  assert.deepEqual(
    DIFFERENCES.filter((known) => !met.has(known)).map(({ kind, field }) => `${kind} ${field}`),
    [],
  );
});

/** Where two values have other fields or other types. What is null tells no type. */
function compare(theirs, ours, at, note) {
  if (theirs === null || ours === null || theirs === undefined || ours === undefined) return;
  const [theirKind, ourKind] = [kindOf(theirs), kindOf(ours)];
  if (theirKind !== ourKind) note('type', `${at}: ${theirKind} ≠ ${ourKind}`);
  else if (theirKind === 'array') {
    if (theirs.length && ours.length) compare(theirs[0], ours[0], `${at}[]`, note);
  } else if (theirKind === 'object') {
    for (const key of new Set([...Object.keys(theirs), ...Object.keys(ours)])) {
      if (!(key in ours)) note('missing', `${at}.${key}`);
      else if (!(key in theirs)) note('more', `${at}.${key}`);
      else compare(theirs[key], ours[key], `${at}.${key}`, note);
    }
  }
}

const kindOf = (value) => (Array.isArray(value) ? 'array' : typeof value);
