// From a template to a service that runs in three environments on two clusters, promoted, rolled back, and taken back again.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { startArgo } from '../cluster/argocd.mjs';
import { start } from '../cluster/cluster.mjs';
import { startPortal } from '../portal.mjs';
import { accessibilityViolations, openContext, picture, root, startBrowser } from './portal.mjs';
import { answerForm, createAndWait, enter } from './story.mjs';

const NAME = 'payments-api';
const DIGESTS = { one: `sha256:${'1'.repeat(64)}`, two: `sha256:${'2'.repeat(64)}` };
const shared = {};
let east;
let west;
let argo;

const base64 = (text) => Buffer.from(text).toString('base64');

before(async () => {
  [east, west] = await Promise.all([start({ name: 'east', argo: true }), start({ name: 'west' })]);
  const tokens = {};
  for (const cluster of [east, west]) tokens[cluster.name] = await cluster.token('greenroom', 'default', 'cluster-admin', { seconds: 3600 });
  // Argo CD on east deploys to both; it knows them by the addresses of their API servers.
  for (const cluster of [east, west]) {
    await east.api.apply({
      apiVersion: 'v1', kind: 'Secret', type: 'Opaque',
      metadata: { name: `cluster-${cluster.name}`, namespace: 'argocd', labels: { 'argocd.argoproj.io/secret-type': 'cluster' } },
      data: {
        name: base64(cluster.name), server: base64(cluster.url),
        config: base64(JSON.stringify({ bearerToken: tokens[cluster.name], tlsClientConfig: { caData: base64(cluster.ca) } })),
      },
    });
  }
  argo = await startArgo(east, { namespace: 'argocd', pollSeconds: 1 });
  const entry = (cluster) => ({
    name: cluster.name, url: cluster.url, authProvider: 'serviceAccount', serviceAccountToken: tokens[cluster.name], caData: base64(cluster.ca),
  });
  const config = {
    auth: { providers: { guest: { userEntityRef: 'user:default/guest', ownershipEntityRefs: ['user:default/guest', 'group:default/payments'] } } },
    kubernetes: { clusterLocatorMethods: [{ type: 'config', clusters: [entry(east), entry(west)] }] },
    argocd: { instances: [{ name: 'main', cluster: 'east', namespace: 'argocd' }] },
    delivery: { helm: path.join(root, 'build/cluster/bin/helm') },
    environments: [
      { name: 'dev', cluster: 'east', server: east.url, sync: 'automated', colour: 'blue' },
      { name: 'staging', cluster: 'east', server: east.url, sync: 'pull-request', colour: 'amber' },
      { name: 'prod', cluster: 'west', server: west.url, sync: 'pull-request', colour: 'green', promotion: { approvers: ['group:default/payments'] } },
    ],
  };
  [shared.portal, shared.browser] = await Promise.all([startPortal({ config: JSON.stringify(config) }), startBrowser()]);
});

after(async () => {
  await shared.browser?.close();
  await shared.portal?.stop();
  await argo?.stop();
  await Promise.all([east?.stop(), west?.stop()]);
  shared.portal?.forget();
});

/** What the pipeline does with a new image: writes it into the values of the environment that follows main. */
function pipeline(tag, digest) {
  const folder = mkdtempSync(path.join(tmpdir(), 'greenroom-pipeline-'));
  const git = (...args) => execFileSync('git', ['-C', folder, '-c', 'user.name=ci', '-c', 'user.email=ci@acme.example', ...args], { stdio: 'pipe' });
  try {
    git('clone', '--quiet', path.join(shared.portal.dataDir, 'repositories/acme', `${NAME}.git`), 'work');
    const work = path.join(folder, 'work');
    execFileSync('sh', ['deploy/set-image.sh', 'dev', tag, digest], { cwd: work });
    git('-C', work, 'commit', '--quiet', '-am', `Deliver ${tag}`);
    git('-C', work, 'push', '--quiet');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The matrix cell of an environment, by its column. */
const cell = (page, column) => page.locator(`tbody tr:has-text("${NAME}") td`).nth(column);

const namespaces = async (cluster) => (await cluster.request('GET', '/api/v1/namespaces')).items
  .filter(({ status }) => status.phase === 'Active').map(({ metadata }) => metadata.name).sort();

const argoObjects = async () => {
  const lists = await Promise.all(['applications', 'appprojects'].map((kind) => east.request('GET', `/apis/argoproj.io/v1alpha1/namespaces/argocd/${kind}`)));
  return lists.flatMap(({ items }) => items.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).sort();
};

let untouched;

test('a plan names every object, and the run puts them on both clusters', async () => {
  untouched = { argo: await argoObjects(), east: await namespaces(east), west: await namespaces(west) };
  const context = await openContext(shared);
  const page = await context.newPage();
  await enter(page);
  await answerForm(page, NAME);
  const plan = await page.getByRole('main').innerText();
  for (const words of [
    'create Namespace payments-dev on cluster east', 'create Namespace payments-prod on cluster west',
    `create AppProject argocd/${NAME} on cluster east`, `Argo CD application ${NAME}-prod → cluster west, namespace payments-prod`,
  ]) assert.ok(plan.includes(words), `the plan does not say "${words}":\n${plan}`);
  await page.locator('.effect__diff summary').last().click();
  await picture(page, 'delivery-plan');
  assert.deepEqual(await accessibilityViolations(page), []);
  await createAndWait(page);
  assert.deepEqual(await argoObjects(), [...untouched.argo, `AppProject ${NAME}`, ...['dev', 'prod', 'staging'].map((one) => `Application ${NAME}-${one}`)].sort());
  assert.ok((await namespaces(east)).includes('payments-staging'));
  const policy = await west.request('GET', '/apis/networking.k8s.io/v1/namespaces/payments-prod/networkpolicies/default-deny');
  assert.deepEqual(policy.spec.policyTypes, ['Ingress', 'Egress']);
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('the pipeline delivers to dev, and the matrix shows it without being asked again', async () => {
  const context = await openContext(shared);
  const page = await context.newPage();
  await enter(page);
  await page.goto('/delivery');
  await cell(page, 0).waitFor();
  pipeline('1.0.0', DIGESTS.one);
  await cell(page, 0).getByText(/1\.0\.0|1{12}/).waitFor({ timeout: 60_000 });
  await cell(page, 0).getByText('healthy').waitFor({ timeout: 60_000 });
  await picture(page, 'delivery-matrix');
  assert.deepEqual(await accessibilityViolations(page), []);
  await page.goto(`/catalog/default/component/${NAME}/kubernetes`);
  await page.getByText(/1 of 1 ready/).first().waitFor({ timeout: 30_000 });
  await picture(page, 'delivery-kubernetes');
  assert.deepEqual(await accessibilityViolations(page), []);
  assert.deepEqual(context.offences, []);
  await context.close();
});

/** Waits until the promotion on the page has arrived; says how it stood where it does not. */
async function healthy(page) {
  await page.locator('.badge', { hasText: 'healthy' }).waitFor({ timeout: 60_000 }).catch(async (error) => {
    throw new Error(`${await page.getByRole('main').innerText()}\n${error.message}`);
  });
}

async function promote(page, title) {
  await page.goto(`/catalog/default/component/${NAME}/environments`);
  const card = page.locator('.environments > li').filter({ has: page.getByRole('heading', { name: title, exact: true }) });
  await card.getByRole('link', { name: /^Promote from/ }).click();
  await page.getByRole('heading', { name: /^Promote/ }).waitFor();
}

test('staging gets it by pull request, with the difference of values and manifests', async () => {
  const context = await openContext(shared);
  const page = await context.newPage();
  await enter(page);
  await promote(page, 'Staging');
  const preview = await page.getByRole('main').innerText();
  assert.ok(preview.includes(`digest: "${DIGESTS.one}"`), preview);
  assert.match(preview, new RegExp(`image: .*@${DIGESTS.one}`), 'the rendered Deployment has the digest');
  await picture(page, 'delivery-preview');
  assert.deepEqual(await accessibilityViolations(page), []);
  await page.getByRole('button', { name: 'Open the pull request' }).click();
  await page.getByRole('button', { name: 'Merge and deploy' }).click();
  await healthy(page);
  await picture(page, 'delivery-promotion');
  assert.deepEqual(await accessibilityViolations(page), []);
  await page.goto('/delivery');
  await cell(page, 1).getByText('healthy').waitFor();

  // The next version, and back to this one.
  pipeline('1.1.0', DIGESTS.two);
  await page.goto('/delivery');
  await cell(page, 0).getByText(/1\.1\.0|2{12}/).waitFor({ timeout: 60_000 });
  await cell(page, 0).getByText('healthy').waitFor({ timeout: 60_000 });
  await promote(page, 'Staging');
  await page.getByRole('button', { name: 'Open the pull request' }).click();
  await page.getByRole('button', { name: 'Merge and deploy' }).click();
  await healthy(page);
  await page.goto(`/catalog/default/component/${NAME}/environments`);
  const staging = page.locator('.environments > li').filter({ has: page.getByRole('heading', { name: 'Staging', exact: true }) });
  await staging.locator('summary', { hasText: 'deployments' }).click();
  await picture(page, 'delivery-environments');
  await staging.getByRole('link', { name: 'Roll back to this' }).first().click();
  await page.getByRole('heading', { name: /^Roll back to 1\.0\.0/ }).waitFor();
  await page.getByRole('button', { name: 'Open the pull request' }).click();
  await page.getByRole('button', { name: 'Merge and deploy' }).click();
  await healthy(page);
  const deployment = await east.request('GET', `/apis/apps/v1/namespaces/payments-staging/deployments/${NAME}`);
  assert.match(deployment.spec.template.spec.containers[0].image, new RegExp(DIGESTS.one));
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('prod waits for somebody else to agree', async () => {
  const context = await openContext(shared);
  const page = await context.newPage();
  await enter(page);
  await promote(page, 'Prod');
  await page.getByRole('button', { name: 'Open the pull request' }).click();
  await page.getByText(/must agree/).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Merge and deploy' }).isDisabled(), true);
  await page.getByRole('button', { name: 'Agree' }).click();
  await page.getByText(/cannot agree to it|only group/i).waitFor();
  await page.goBack();
  await page.getByRole('button', { name: 'Close without' }).click();
  await page.locator('.badge', { hasText: 'closed' }).waitFor();
  await context.close();
});

test('decommissioning lists what goes, and leaves nothing behind on the clusters', async () => {
  const context = await openContext(shared);
  const page = await context.newPage();
  await enter(page);
  await page.goto('/create');
  await page.getByRole('link', { name: /^Choose Decommission a service/ }).click();
  await page.waitForURL(/\/create\/drafts\//);
  await page.locator('select[name="entity"]').evaluate((select, wanted) => {
    select.value = wanted;
    select.dispatchEvent(new Event('change', { bubbles: true }));
  }, `component:default/${NAME}`);
  await page.getByRole('button', { name: 'List what goes' }).click();
  await page.getByRole('heading', { name: 'The plan' }).waitFor();
  await page.waitForLoadState();
  const plan = await page.getByRole('main').innerText();
  for (const words of [
    `delete Application argocd/${NAME}-prod from cluster east`, `delete AppProject argocd/${NAME} from cluster east`,
    'delete Namespace payments-prod, NetworkPolicy payments-prod/default-deny from cluster west, with everything in it', `Stays, though a run made it (delete repository acme/${NAME})`,
  ]) assert.ok(plan.includes(words), `the plan does not say "${words}":\n${plan}`);
  await picture(page, 'delivery-decommission');
  assert.deepEqual(await accessibilityViolations(page), []);
  await page.getByRole('button', { name: 'Take it back' }).last().click();
  await page.waitForURL(/\/create\/tasks\//);
  await page.getByText('What is gone').waitFor({ timeout: 90_000 });
  for (const [cluster, known] of [[east, untouched.east], [west, untouched.west]]) {
    await cluster.api.untilAll('/api/v1/namespaces', (items) => items.every(({ metadata }) => known.includes(metadata.name)), { seconds: 60 });
  }
  assert.deepEqual(await argoObjects(), untouched.argo);
  assert.deepEqual(argo.problems, []);
  assert.deepEqual(context.offences, []);
  await context.close();
});
