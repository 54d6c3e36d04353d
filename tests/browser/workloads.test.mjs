// What a component's owner does with what runs: reads logs as they come, restarts, scales, looks at its images. And what
// somebody who is no owner does not get to do.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { start } from '../cluster/cluster.mjs';
import { startRegistry } from '../cluster/registry.mjs';
import { startPortal } from '../portal.mjs';
import { accessibilityViolations, openContext, phone, picture, startBrowser } from './portal.mjs';
import { enter } from './story.mjs';

const NAMESPACE = 'shop';
const SECONDS = { timeout: 30_000 };
const shared = {};
let east;
let registry;

function component(name, owner, image) {
  return {
    apiVersion: 'backstage.io/v1alpha1', kind: 'Component',
    metadata: { name, annotations: { 'backstage.io/kubernetes-id': name, 'greenroom.dev/image': image } },
    spec: { type: 'service', lifecycle: 'production', owner },
  };
}

function deployment(name, image) {
  const labels = { app: name, 'backstage.io/kubernetes-id': name };
  const resources = { requests: { cpu: '200m', memory: '128Mi' }, limits: { memory: '256Mi' } };
  return {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: NAMESPACE, labels },
    spec: { replicas: 1, selector: { matchLabels: { app: name } }, template: { metadata: { labels }, spec: { containers: [{ name: 'server', image, resources }] } } },
  };
}

const read = (name) => east.request('GET', `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${name}`);

before(async () => {
  [east, registry] = await Promise.all([start({ name: 'east' }), startRegistry()]);
  const image = `${registry.host}/acme/web`;
  shared.pushed = await registry.push('acme/web', ['1.0.0', 'latest'], { labels: { 'org.opencontainers.image.revision': 'c0ffee0123456789' } });
  await registry.push('acme/web', '1.1.0');
  await east.api.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }, deployment('web', `${image}:1.0.0`), deployment('other', `${image}:1.1.0`)]);
  for (const name of ['web', 'other']) {
    await east.api.until(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${name}`, (it) => it?.status?.readyReplicas === 1, { seconds: 60 });
  }
  east.writePodLog('server is ready\n<b>not bold</b>\n');
  const catalog = path.join(east.folder, 'catalog-info.yaml');
  writeFileSync(catalog, [component('web', 'group:default/payments', image), component('other', 'group:default/nobody', `${image}-none`)].map((one) => JSON.stringify(one)).join('\n---\n'));
  const token = await east.token('greenroom', 'default', 'cluster-admin', { seconds: 3600 });
  const cluster = { name: 'east', url: east.url, authProvider: 'serviceAccount', serviceAccountToken: token, caData: Buffer.from(east.ca).toString('base64') };
  const config = {
    auth: { providers: { guest: { userEntityRef: 'user:default/guest', ownershipEntityRefs: ['user:default/guest', 'group:default/payments'] } } },
    catalog: { locations: [{ type: 'file', target: catalog }] },
    kubernetes: { clusterLocatorMethods: [{ type: 'config', clusters: [cluster] }] },
    registries: [{ name: 'local', kind: 'oci', url: registry.url, username: 'ci', password: 'push-secret' }],
  };
  [shared.portal, shared.browser] = await Promise.all([startPortal({ config: JSON.stringify(config) }), startBrowser()]);
});

after(async () => {
  await shared.browser?.close();
  await shared.portal?.stop();
  shared.portal?.forget();
  await Promise.all([east?.stop(), registry?.stop()]);
});

/** Somebody on a tab of a component. */
async function on(tab, { name = 'web', options = {} } = {}) {
  const context = await openContext(shared, options);
  const page = await context.newPage();
  await enter(page);
  await page.goto(`/catalog/default/component/${name}/${tab}`);
  return { context, page, workload: page.getByRole('article', { name: `Deployment ${name}` }) };
}

test('logs are read as they come, and as text', async () => {
  const { context, page, workload } = await on('kubernetes');
  await workload.getByText('1 of 1 ready').waitFor(SECONDS);
  await workload.getByRole('link', { name: 'server' }).click();
  const log = page.getByRole('log');
  await log.getByText('server is ready').waitFor();
  await log.getByText('<b>not bold</b>').waitFor();
  // What is written once the page follows comes by itself.
  await page.waitForLoadState();
  east.writePodLog('an order came in\n');
  await log.getByText('an order came in').waitFor(SECONDS);
  await picture(page, 'kubernetes-log');
  assert.deepEqual(await accessibilityViolations(page), []);
  await page.getByRole('link', { name: 'Before the last restart' }).click();
  await page.getByRole('link', { name: 'All workloads' }).click();
  await workload.waitFor();
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('a log is read without scripts, on a phone', async () => {
  const { context, page, workload } = await on('kubernetes', { options: { javaScriptEnabled: false, viewport: phone } });
  await workload.getByRole('link', { name: 'server' }).click();
  await page.getByRole('log').getByText('server is ready').waitFor();
  await context.close();
});

test('what a pod uses stands beside what it asks for, and comes by itself', async () => {
  const { context, page, workload } = await on('kubernetes');
  // The metrics server of the tests says half of what is requested.
  const row = workload.locator('tbody tr').first();
  await row.getByText('100m').waitFor(SECONDS);
  assert.match(await row.innerText(), /100m\s+of 200m[\s\S]*64Mi\s+of 128Mi, at most 256Mi/);
  await picture(page, 'kubernetes-usage');
  assert.deepEqual(await accessibilityViolations(page), []);
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('an owner restarts a workload', async () => {
  const annotations = async () => (await read('web')).spec.template.metadata.annotations ?? {};
  assert.equal((await annotations())['kubectl.kubernetes.io/restartedAt'], undefined);
  const { context, page, workload } = await on('kubernetes');
  const pod = await workload.locator('tbody tr td').first().innerText();
  await workload.getByRole('button', { name: 'Restart' }).click();
  await page.waitForURL(/\/kubernetes$/);
  assert.ok((await annotations())['kubectl.kubernetes.io/restartedAt']);
  // Another pod takes the place of this one, on the page that stays open.
  await workload.getByText(pod).waitFor({ state: 'detached', ...SECONDS });
  await workload.getByText('1 of 1 ready').waitFor(SECONDS);
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('an owner scales a workload', async () => {
  const { context, page, workload } = await on('kubernetes');
  await workload.getByLabel('Replicas').fill('3');
  await workload.getByRole('button', { name: 'Scale' }).click();
  await workload.getByText('3 of 3 ready').waitFor(SECONDS);
  assert.equal((await read('web')).spec.replicas, 3);
  await workload.locator('tbody tr').nth(2).waitFor();
  await picture(page, 'kubernetes-scaled');
  assert.deepEqual(await accessibilityViolations(page), []);
  await workload.getByLabel('Replicas').fill('1');
  await workload.getByRole('button', { name: 'Scale' }).click();
  await workload.getByText('1 of 1 ready').waitFor(SECONDS);
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('who is no owner sees a workload and changes nothing of it', async () => {
  const { context, page, workload } = await on('kubernetes', { name: 'other' });
  await workload.getByText('1 of 1 ready').waitFor(SECONDS);
  assert.equal(await workload.getByRole('button').count(), 0);
  // Not by hand either: the form of one's own component, sent to the address of another's.
  await page.goto('/catalog/default/component/web/kubernetes');
  const form = page.getByRole('article', { name: 'Deployment web' }).locator('form', { has: page.getByRole('button', { name: 'Scale' }) });
  await form.evaluate((one) => { one.action = one.action.replaceAll('/web/', '/other/').replace('/Deployment/web', '/Deployment/other'); });
  await form.getByLabel('Replicas').fill('0');
  await form.getByRole('button', { name: 'Scale' }).click();
  await page.getByText(/Only the owners of component:default\/other/).waitFor();
  assert.equal((await read('other')).spec.replicas, 1);
  await context.close();
});

test('the Image tab tells tags, digests and commits', async () => {
  const { context, page } = await on('image');
  const row = page.getByRole('row').filter({ hasText: '1.0.0' });
  await row.waitFor(SECONDS);
  const told = await row.innerText();
  for (const words of ['latest', shared.pushed.digest.slice(7, 19), 'c0ffee0']) assert.ok(told.includes(words), `no ${words} in: ${told}`);
  await page.getByRole('row').filter({ hasText: '1.1.0' }).waitFor();
  await picture(page, 'image-tags');
  assert.deepEqual(await accessibilityViolations(page), []);
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('the Image tab works without scripts, and says where nothing was pushed', async () => {
  const { context, page } = await on('image', { name: 'other', options: { javaScriptEnabled: false } });
  await page.getByRole('link', { name: 'Show what the registry tells' }).click();
  await page.getByText(/has no image acme\/web-none/).waitFor();
  await context.close();
});
