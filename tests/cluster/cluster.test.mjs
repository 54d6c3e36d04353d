// The clusters that other tests rely on: that they are real where it counts, and that the stand-in for Argo CD deploys.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startArgo } from './argocd.mjs';
import { start } from './cluster.mjs';
import { repository } from './repository.mjs';

const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const APPLICATIONS = '/apis/argoproj.io/v1alpha1/namespaces/argocd/applications';

let east;
before(async () => { east = await start({ name: 'east', argo: true }); });
after(() => east?.stop());

const deployment = (name, { annotations, cpu, replicas = 2 } = {}) => ({
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: 'default' },
  spec: {
    replicas, selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name }, annotations }, spec: { containers: [{ name: 'web', image: 'ghcr.io/acme/web:1', ...(cpu && { resources: { requests: { cpu } } }) }] } },
  },
});
const podsOf = (name, wanted) => east.api.untilAll('/api/v1/namespaces/default/pods', wanted, { query: { labelSelector: `app=${name}` } });
const application = (name, url, { spec = {}, metadata = {} } = {}) => ({
  apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name, namespace: 'argocd', ...metadata },
  spec: {
    project: 'default', source: { repoURL: url, targetRevision: 'main', path: 'chart', helm: { valueFiles: ['../envs/dev/values.yaml'] } },
    destination: { server: 'https://kubernetes.default.svc', namespace: `${name}-dev` }, ...spec,
  },
});

test('what is applied runs, and the log of its pods can be read', async () => {
  await east.api.apply(deployment('web'));
  await east.api.until(`${DEPLOYMENTS}/web`, (it) => it?.status?.readyReplicas === 2);
  const [pod] = await podsOf('web', (all) => all.length === 2 && all.every(({ status }) => status.phase === 'Running'));
  assert.match(pod.spec.nodeName, /^east-1$/);
  assert.match(pod.status.containerStatuses[0].imageID, /^ghcr\.io\/acme\/web:1@sha256:[0-9a-f]{64}$/);
  east.writePodLog('listening\n');
  assert.equal(await east.request('GET', `/api/v1/namespaces/default/pods/${pod.metadata.name}/log`), 'listening\n');
});

test('pods fail as their annotation says, or for want of room', async () => {
  for (const fault of ['crash-loop', 'out-of-memory', 'image-pull', 'unready']) await east.api.apply(deployment(fault, { annotations: { 'acme.test/fault': fault }, replicas: 1 }));
  await east.api.apply(deployment('large', { cpu: '100', replicas: 1 }));
  const container = async (name) => {
    const [pod] = await podsOf(name, (all) => all[0]?.status.containerStatuses);
    return pod.status.containerStatuses[0];
  };
  assert.equal((await container('crash-loop')).state.waiting.reason, 'CrashLoopBackOff');
  assert.equal((await container('out-of-memory')).lastState.terminated.reason, 'OOMKilled');
  assert.equal((await container('image-pull')).state.waiting.reason, 'ImagePullBackOff');
  assert.equal((await container('unready')).ready, false);
  const [large] = await podsOf('large', (all) => all[0]?.status.conditions?.some(({ reason }) => reason === 'Unschedulable'));
  assert.equal(large.status.phase, 'Pending');
});

test('claims get volumes, ingresses an address, and an autoscaler scales by what pods are said to use', async () => {
  await east.api.apply(`
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: store }
spec:
  serviceName: store
  selector: { matchLabels: { app: store } }
  template:
    metadata: { labels: { app: store }, annotations: { acme.test/cpu: 400m } }
    spec: { containers: [{ name: store, image: ghcr.io/acme/store:1, resources: { requests: { cpu: 200m } }, volumeMounts: [{ name: data, mountPath: /data }] }] }
  volumeClaimTemplates: [{ metadata: { name: data }, spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } } }]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: store }
spec: { rules: [{ host: store.acme.test, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: store, port: { number: 80 } } } }] } }] }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: store }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: StatefulSet, name: store }
  minReplicas: 1
  maxReplicas: 3
  metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 80 } } }]
`);
  await east.api.until('/apis/networking.k8s.io/v1/namespaces/default/ingresses/store', (it) => it.status.loadBalancer.ingress?.[0].ip === '192.0.2.10');
  await east.api.until('/apis/apps/v1/namespaces/default/statefulsets/store', (it) => it.status.readyReplicas === 3);
  const claim = await east.api.get('/api/v1/namespaces/default/persistentvolumeclaims/data-store-0');
  assert.equal(claim.status.phase, 'Bound');
});

test('a service account may do what its roles say, and not for longer than its token', async () => {
  const reader = east.as(await east.token('reader', 'tools', { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }], namespaces: ['only'] }));
  assert.deepEqual((await reader.get('/api/v1/namespaces/only/pods')).items, []);
  await assert.rejects(reader.get('/api/v1/namespaces/default/pods'), { status: 403, reason: 'Forbidden' });
  const late = east.as(await east.token('reader', 'tools', undefined, { seconds: 0 }));
  await assert.rejects(late.get('/api/v1/namespaces/only/pods'), { status: 401 });
  reader.close();
  late.close();
});

test('another field manager is a conflict', async () => {
  await east.api.apply(deployment('owned'), { manager: 'one' });
  await assert.rejects(east.api.apply(deployment('owned', { replicas: 3 }), { manager: 'two', force: false }), { status: 409, reason: 'Conflict' });
});

test('the API server comes back with everything, and knows no history before that', async () => {
  const { metadata } = await east.api.get('/api/v1/pods');
  await east.api.apply(deployment('later', { replicas: 1 }));
  await podsOf('later', (all) => all[0]?.status.phase === 'Running');
  await east.killServer();
  await assert.rejects(east.api.get('/version'));
  await east.startServer();
  await east.compact();
  const ended = new AbortController();
  for await (const event of east.api.watch('/api/v1/pods', { from: metadata.resourceVersion, signal: ended.signal })) {
    assert.equal(event.object.code, 410);
    break;
  }
  ended.abort();
  await east.api.apply(deployment('after', { replicas: 1 }));
  await east.api.until(`${DEPLOYMENTS}/after`, (it) => it?.status?.readyReplicas === 1);
});

test('an Application is deployed, follows its repository, waits for a person, and goes with all it made', async (t) => {
  const chart = repository();
  const argo = await startArgo(east, { pollSeconds: 0.3 });
  t.after(async () => {
    await argo.stop();
    chart.forget();
  });
  const until = (name, wanted) => east.api.until(`${APPLICATIONS}/${name}`, wanted);
  const automated = { syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ['CreateNamespace=true'] } };
  await east.api.apply(application('auto', chart.url, { spec: automated, metadata: { finalizers: ['resources-finalizer.argocd.argoproj.io'] } }));
  const at = (revision) => (it) => it?.status?.sync?.status === 'Synced' && it.status.health.status === 'Healthy' && it.status.sync.revision === revision && it.status.history?.at(-1).revision === revision;

  const deployed = await until('auto', at(chart.first));
  assert.equal(deployed.status.operationState.phase, 'Succeeded');
  assert.deepEqual(deployed.status.summary.images, ['ghcr.io/acme/web:1']);
  assert.deepEqual(deployed.status.resources.map(({ kind }) => kind).sort(), ['ConfigMap', 'Deployment']);
  assert.deepEqual(deployed.status.operationState.syncResult.resources.map(({ kind, hookType }) => [kind, hookType]), [['Namespace', undefined], ['Job', 'PreSync'], ['ConfigMap', undefined], ['Deployment', undefined]]);
  assert.equal((await east.api.get('/apis/apps/v1/namespaces/auto-dev/deployments/auto')).status.readyReplicas, 2);

  const second = chart.commit({ 'envs/dev/values.yaml': 'replicas: 3\nextra: false\nimage: ghcr.io/acme/web:2\n' });
  const moved = await until('auto', at(second));
  assert.deepEqual(moved.status.history.map(({ id, revision }) => [id, revision]), [[0, chart.first], [1, second]]);
  assert.equal(await east.api.find('/api/v1/namespaces/auto-dev/configmaps/auto-extra'), undefined);

  await east.api.merge('/apis/apps/v1/namespaces/auto-dev/deployments/auto', { spec: { replicas: 1 } });
  await east.api.until('/apis/apps/v1/namespaces/auto-dev/deployments/auto', (it) => it.spec.replicas === 3);

  await east.api.apply(application('manual', chart.url, { spec: { syncPolicy: { syncOptions: ['CreateNamespace=true'] } } }));
  await until('manual', (it) => it?.status?.sync?.status === 'OutOfSync' && it.status.health.status === 'Missing');
  await east.api.merge(`${APPLICATIONS}/manual`, { operation: { initiatedBy: { username: 'ada' }, sync: { revision: second } } });
  const asked = await until('manual', at(second));
  assert.equal(asked.operation, undefined);
  assert.equal(asked.status.history[0].initiatedBy.username, 'ada');

  const third = chart.commit({ 'envs/dev/values.yaml': 'replicas: 1\nextra: false\nfault: crash-loop\n' });
  await until('auto', (it) => it.status.sync.revision === third && it.status.sync.status === 'Synced' && it.status.health.status === 'Progressing');
  await until('manual', (it) => it.status.sync.revision === third && it.status.sync.status === 'OutOfSync' && it.status.health.status === 'Healthy');
  chart.commit({ 'chart/templates/broken.yaml': '{{ fail "no" }}\n' });
  await until('auto', (it) => it.status.sync.status === 'Unknown' && /failed to render the chart/.test(it.status.conditions[0].message));

  await east.api.remove(`${APPLICATIONS}/auto`);
  await until('auto', (it) => it === undefined);
  assert.deepEqual((await east.api.get('/apis/apps/v1/namespaces/auto-dev/deployments')).items, []);
  assert.deepEqual(argo.problems, []);
});

test('a project refuses what it does not list', async (t) => {
  const chart = repository();
  const argo = await startArgo(east, { pollSeconds: 0.3 });
  t.after(async () => {
    await argo.stop();
    chart.forget();
  });
  await east.api.apply({
    apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject', metadata: { name: 'shop', namespace: 'argocd' },
    spec: { sourceRepos: [chart.url], destinations: [{ server: 'https://kubernetes.default.svc', namespace: 'shop-*' }] },
  });
  await east.api.apply(application('stray', chart.url, { spec: { project: 'shop' } }));
  await east.api.until(`${APPLICATIONS}/stray`, (it) => /do not match any of the allowed destinations in project 'shop'/.test(it?.status?.conditions?.[0]?.message));
  const syncPolicy = { automated: {}, syncOptions: ['CreateNamespace=true'], retry: { limit: 0 } };
  await east.api.apply(application('shop', chart.url, { spec: { project: 'shop', syncPolicy } }));
  const refused = await east.api.until(`${APPLICATIONS}/shop`, (it) => it?.status?.operationState?.phase === 'Failed');
  assert.match(refused.status.operationState.syncResult.resources[0].message, /resource :Namespace is not permitted in project shop/);
});

test('an Application goes to another cluster, with values from another source', async (t) => {
  const chart = repository();
  const west = await start({ name: 'west' });
  const argo = await startArgo(east, { pollSeconds: 0.3 });
  t.after(async () => {
    await argo.stop();
    await west.stop();
    chart.forget();
  });
  const config = JSON.stringify({ bearerToken: await west.token('argocd', 'kube-system', 'cluster-admin'), tlsClientConfig: { caData: Buffer.from(west.ca).toString('base64') } });
  await east.api.apply({
    apiVersion: 'v1', kind: 'Secret', metadata: { name: 'west', namespace: 'argocd', labels: { 'argocd.argoproj.io/secret-type': 'cluster' } },
    stringData: { name: 'west', server: west.url, config },
  });
  const spec = {
    source: undefined, sources: [{ repoURL: chart.url, targetRevision: 'main', path: 'chart', helm: { valueFiles: ['$values/envs/dev/values.yaml'] } }, { repoURL: chart.url, targetRevision: chart.first, ref: 'values' }],
    destination: { name: 'west', namespace: 'far-dev' }, syncPolicy: { automated: {}, syncOptions: ['CreateNamespace=true'] },
  };
  await east.api.apply(application('far', chart.url, { spec }));
  const deployed = await east.api.until(`${APPLICATIONS}/far`, (it) => it?.status?.health?.status === 'Healthy' && it.status.history?.length === 1);
  assert.deepEqual(deployed.status.sync.revisions, [chart.first, chart.first]);
  assert.equal((await west.api.get('/apis/apps/v1/namespaces/far-dev/deployments/far')).status.readyReplicas, 2);
  assert.equal(await east.api.find('/api/v1/namespaces/far-dev'), undefined);
  assert.deepEqual(argo.problems, []);
});
