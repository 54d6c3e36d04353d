// Backstage's own Kubernetes client against a running portal on a real API server: every method it has, and what Backstage's
// pages make of the answers.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { start } from '../cluster/cluster.mjs';
import { load, modules, startPortal } from '../portal.mjs';
import { noting } from './called.mjs';

const { detectErrors, groupResponses } = load('@backstage/plugin-kubernetes-common');
const file = path.join(modules, '../clients/@backstage/plugin-kubernetes-react/api/KubernetesBackendClient.esm.js');
const { KubernetesBackendClient } = await import(pathToFileURL(file));

const NAMESPACE = 'shop';
const about = (name, more) => ({ name, namespace: NAMESPACE, labels: { 'backstage.io/kubernetes-id': 'web' }, ...more });
const entity = { apiVersion: 'backstage.io/v1alpha1', kind: 'Component', metadata: { name: 'web', namespace: 'default' } };
const called = new Set();

let east;
let portal;
let client;

function deployment(name, annotations) {
  const labels = { app: name, 'backstage.io/kubernetes-id': 'web' };
  const resources = { requests: { cpu: '200m', memory: '128Mi' }, limits: { cpu: '1', memory: '256Mi' } };
  return {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: about(name),
    spec: {
      replicas: 1, selector: { matchLabels: { app: name } },
      template: { metadata: { labels, annotations }, spec: { containers: [{ name: 'server', image: 'registry.acme.example/web:1', resources }] } },
    },
  };
}

before(async () => {
  east = await start({ name: 'east', argo: true });
  await east.api.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    deployment('web', {}),
    deployment('ill', { 'acme.test/fault': 'crash-loop' }),
    { apiVersion: 'v1', kind: 'Service', metadata: about('web'), spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } },
    { apiVersion: 'v1', kind: 'Secret', metadata: about('web'), stringData: { password: 'hunter2' } },
    {
      apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: about('web'),
      spec: { project: 'shop', source: { repoURL: 'https://git.acme.example/web.git', path: 'chart' }, destination: { server: east.url, namespace: NAMESPACE } },
    },
  ]);
  await east.api.until(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments/web`, (it) => it?.status?.readyReplicas === 1, { seconds: 60 });
  const isLooping = ({ status }) => status.containerStatuses?.some((one) => one.state.waiting?.reason === 'CrashLoopBackOff');
  await east.api.untilAll(`/api/v1/namespaces/${NAMESPACE}/pods`, (pods) => pods.some(isLooping), { seconds: 60 });

  const catalog = path.join(east.folder, 'catalog-info.yaml');
  writeFileSync(catalog, JSON.stringify({
    ...entity, metadata: { ...entity.metadata, annotations: { 'backstage.io/kubernetes-id': 'web' } }, spec: { type: 'service', lifecycle: 'production', owner: 'team' },
  }));
  const token = await east.token('greenroom', 'default', 'cluster-admin', { seconds: 3600 });
  const cluster = { name: 'east', title: 'East', url: east.url, authProvider: 'serviceAccount', serviceAccountToken: token, caData: Buffer.from(east.ca).toString('base64') };
  portal = await startPortal({ config: JSON.stringify({
    catalog: { locations: [{ type: 'file', target: catalog }] },
    kubernetes: { clusterLocatorMethods: [{ type: 'config', clusters: [cluster] }] },
  }) });
  const signedIn = await (await fetch(`${portal.url}/api/auth/guest/refresh`, { method: 'POST' })).json();
  const authorization = `Bearer ${signedIn.backstageIdentity.token}`;
  const known = async () => (await fetch(`${portal.url}/api/catalog/entities/by-name/component/default/web`, { headers: { authorization } })).ok;
  while (!(await known())) await new Promise((resolve) => setTimeout(resolve, 50));
  const plain = new KubernetesBackendClient({
    discoveryApi: { getBaseUrl: async (plugin) => `${portal.url}/api/${plugin}` },
    fetchApi: { fetch: (url, options = {}) => fetch(url, { ...options, headers: { ...options.headers, authorization } }) },
    kubernetesAuthProvidersApi: { getCredentials: async () => ({}) },
  });
  client = noting(plain, called);
});

after(async () => {
  await portal?.stop();
  portal?.forget();
  await east?.stop();
});

const names = (objects) => objects.map(({ metadata }) => metadata.name).sort();

test('clusters are told without what is secret', async () => {
  const told = await client.getClusters();
  assert.deepEqual(told, [{ name: 'east', title: 'East', authProvider: 'serviceAccount' }]);
  assert.deepEqual(await client.getCluster('east'), told[0]);
  await assert.rejects(client.getCluster('none'), /not found/);
});

for (const method of ['getWorkloadsByEntity', 'getObjectsByEntity']) {
  test(`${method} answers what Backstage's pages show`, async () => {
    const answer = await client[method]({ auth: {}, entity });
    assert.equal(answer.items.length, 1);
    const [item] = answer.items;
    assert.deepEqual([item.cluster, item.errors], [{ name: 'east', title: 'East' }, []]);
    const grouped = groupResponses(item.resources);
    assert.deepEqual(names(grouped.deployments), ['ill', 'web']);
    assert.deepEqual(names(grouped.services), ['web']);
    assert.equal(grouped.pods.length, 2);
    assert.equal(grouped.replicaSets.length, 2);
    const [pod] = grouped.pods.filter(({ metadata }) => metadata.name.startsWith('web-'));
    assert.equal(pod.status.phase, 'Running');
    assert.ok(!JSON.stringify(answer).includes('hunter2'));
    // The metrics server of the tests says half of what is requested.
    const measured = item.podMetrics.find(({ pod: of }) => of.metadata.name === pod.metadata.name);
    assert.deepEqual(measured.cpu, { currentUsage: '0.1', requestTotal: '0.2', limitTotal: '1' });
    assert.deepEqual(measured.memory, { currentUsage: `${64 << 20}`, requestTotal: `${128 << 20}`, limitTotal: `${256 << 20}` });
    assert.deepEqual(measured.containers.map(({ container }) => container), ['server']);
    // What Backstage says is wrong, it says of what is answered here.
    const errors = detectErrors(answer).get('east');
    assert.ok(errors.some(({ proposedFix, sourceRef }) => proposedFix?.errorType === 'CrashLoopBackOff' && sourceRef.name.startsWith('ill-')), JSON.stringify(errors));
    assert.ok(errors.every(({ sourceRef }) => !sourceRef.name.startsWith('web')), JSON.stringify(errors));
  });
}

test('objects of other kinds are told where they are asked for, secrets never', async () => {
  const ask = (...customResources) => client.getCustomObjectsByEntity({ auth: {}, entity, customResources });
  const [item] = (await ask({ group: 'argoproj.io', apiVersion: 'v1alpha1', plural: 'applications' })).items;
  assert.deepEqual(names(groupResponses(item.resources).customResources), ['web']);
  const [none] = (await ask({ group: 'acme.example', apiVersion: 'v1', plural: 'wishes' })).items;
  assert.deepEqual(none.errors.map(({ errorType, statusCode }) => [errorType, statusCode]), [['NOT_FOUND', 404]]);
  await assert.rejects(ask({ group: '', apiVersion: 'v1', plural: 'secrets' }), /403/);
});

test('an entity that is not there is a bad request, as in Backstage', async () => {
  await assert.rejects(client.getWorkloadsByEntity({ auth: {}, entity: { ...entity, metadata: { name: 'none', namespace: 'default' } } }), /400/);
});

test('requests are not passed on to clusters', async () => {
  assert.equal((await client.proxy({ clusterName: 'east', path: '/api/v1/secrets' })).status, 404);
});

test('every method was called', () => {
  const own = Object.getOwnPropertyNames(KubernetesBackendClient.prototype).filter((name) => name !== 'constructor');
  assert.deepEqual(own.filter((name) => !called.has(name)), []);
});
