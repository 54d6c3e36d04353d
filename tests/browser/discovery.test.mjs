// An organisation on GitHub is found, followed by its webhooks and looked at, as people see it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { startModel } from '../github/model.mjs';
import { startPortal } from '../portal.mjs';
import { accessibilityViolations, openContext, phone, picture, startBrowser } from './portal.mjs';
import { enter } from './story.mjs';

const descriptor = (name, title) => `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: ${name}
  title: ${title}
spec:
  type: service
  lifecycle: production
  owner: runtime
`;

const shared = {};
let model;
let world;
let config;

before(async () => {
  model = await startModel();
  world = await model.create({
    users: [{ login: 'ada', name: 'Ada', email: 'ada@acme.example' }, { login: 'eve', name: 'Eve' }],
    organizations: [{ login: 'acme', members: [{ login: 'ada', role: 'admin' }], teams: [{ slug: 'runtime', name: 'Runtime', members: ['ada'] }] }],
    tokens: [{ token: 'ghp_ada', user: 'ada', scopes: ['repo', 'workflow'] }],
    app: { slug: 'greenroom', webhookSecret: 'hook secret', installations: [{ account: 'acme', repositories: 'all' }] },
    repositories: Array.from({ length: 120 }, (_, at) => ({
      owner: 'acme', name: `service-${at}`, visibility: 'internal', files: { 'catalog-info.yaml': descriptor(`service-${at}`, `Service ${at}`) },
    })),
  });
  const { host } = new URL(world.url);
  config = JSON.stringify({
    integrations: { github: [{ host, apiBaseUrl: world.apiUrl, apps: [{ appId: world.app.id, privateKey: world.app.privateKey, webhookSecret: 'hook secret' }] }] },
    catalog: {
      providers: {
        github: { acme: { host, organization: 'acme', schedule: { frequency: { cron: '0 3 * * *' } } } },
        githubOrg: { id: 'production', githubUrl: world.url, orgs: ['acme'], schedule: { frequency: { trigger: 'manual' } } },
      },
    },
  });
  [shared.portal, shared.browser] = await Promise.all([startPortal({ config }), startBrowser()]);
  await hears(shared.portal);
});

after(async () => {
  await shared.browser?.close();
  await shared.portal?.stop();
  shared.portal?.forget();
  await model?.stop();
});

const hears = (portal) => world.event({ kind: 'webhooks', url: `${portal.url}/api/events/http/github` });

/** A page of a signed-in person. */
async function open(options = {}) {
  const context = await openContext(shared, options);
  const page = await context.newPage();
  await enter(page);
  return { context, page };
}

/** Opens an entity until it is called so. */
async function until(page, name, title) {
  for (let looks = 0; ; looks += 1) {
    await page.goto(`/catalog/default/component/${name}`);
    if ((await page.getByRole('heading', { level: 1 }).innerText()) === title) return;
    assert.ok(looks < 200, `${name} is never called ${title}`);
    await page.waitForTimeout(100);
  }
}

/** Changes a descriptor with a Git client, as a person does. */
function push(name, title) {
  const folder = mkdtempSync(path.join(tmpdir(), 'greenroom-clone-'));
  const git = (...args) => execFileSync('git', ['-C', folder, '-c', 'user.name=Ada', '-c', 'user.email=ada@acme.example', ...args], { stdio: 'pipe' });
  try {
    git('clone', '--quiet', `${world.url.replace('://', '://x-access-token:ghp_ada@')}/acme/${name}.git`, '.');
    writeFileSync(path.join(folder, 'catalog-info.yaml'), descriptor(name, title));
    git('commit', '--quiet', '--all', '--message', `Call it ${title}`);
    git('push', '--quiet');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('what an organisation has is there from the start, and a page says how', async () => {
  const { context, page } = await open();
  await page.goto('/catalog/locations');
  const providers = page.getByRole('region', { name: 'Providers' });
  await providers.getByText('on demand').waitFor();
  assert.equal(await providers.getByText('in order').count(), 2);
  assert.match(await providers.innerText(), /github-provider:acme[\s\S]*120/);
  assert.match(await page.getByRole('main').innerText(), /1 to 100 of 12\d/);
  assert.deepEqual(await accessibilityViolations(page), []);
  await picture(page, 'discovery-locations');
  await page.getByRole('link', { name: 'More' }).click();
  await page.getByText(/101 to 12\d of 12\d/).waitFor();

  await world.event({ kind: 'team', organization: 'acme', slug: 'mobile', name: 'Mobile' });
  await providers.getByRole('button', { name: 'Run now: github-org-provider:production' }).click();
  for (let looks = 0; !(await page.goto('/catalog/default/group/mobile')).ok(); looks += 1) assert.ok(looks < 100, 'the new team comes');

  await page.goto('/status');
  const left = page.getByRole('region', { name: 'Requests left on GitHub' });
  assert.match(await left.innerText(), /REST[\s\S]*of 5.000[\s\S]*GraphQL[\s\S]*of 5.000/);
  assert.deepEqual(await accessibilityViolations(page), []);
  await picture(page, 'discovery-status');
  const metrics = await (await fetch(`${shared.portal.url}/metrics`)).text();
  assert.match(metrics, /github_requests_total\{[^}]*status="200"\} [1-9]/);
  assert.match(metrics, /github_rate_limit_remaining\{[^}]*resource="graphql"\} 49\d\d/);
  assert.deepEqual(context.offences.filter((one) => !one.includes('404')), []);
  await context.close();
});

test('a push is followed, and outlives the process that took it', async () => {
  const { context, page } = await open();
  push('service-7', 'Seven');
  await until(page, 'service-7', 'Seven');
  await context.close();

  // GitHub does not answer for a while; the portal dies with what it was told.
  await world.fault({ path: 'graphql', kind: 'hold', times: 100 });
  push('service-8', 'Eight');
  await world.deliveries();
  await shared.portal.kill();
  await world.clearFaults();
  shared.portal = await startPortal({ config, dataDir: shared.portal.dataDir });
  await hears(shared.portal);
  const again = await open();
  await until(again.page, 'service-8', 'Eight');
  await again.context.close();
});

test('the pages in the hand', async () => {
  const { context, page } = await open({ viewport: phone });
  for (const [name, address] of [['locations', '/catalog/locations'], ['status', '/status']]) {
    await page.goto(address);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${address} is wider than the screen`);
    assert.deepEqual(await accessibilityViolations(page), [], address);
    await picture(page, `discovery-${name}-phone`);
  }
  assert.deepEqual(await world.violations(), []);
  await context.close();
});
