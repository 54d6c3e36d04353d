// The metrics API (`metrics.k8s.io`) of a cluster, made up: a container uses half of what it requests, a tenth of a CPU and
// 64 MiB where it requests nothing, or what the annotation `acme.test/cpu` of its pod says, so that autoscalers have
// something to scale by. An API server of its own behind the cluster's, as the metrics server is.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const GROUP = 'metrics.k8s.io/v1beta1';
const ROOT = `/apis/${GROUP}`;
const RESOURCES = [
  { name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] },
  { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
];

/** Serves it on a port and tells the cluster of it; answers the server. */
export async function startMetrics(api, { certificate, key, port }) {
  const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, async (request, response) => {
    const send = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    try {
      const body = await answer(api, new URL(request.url, 'https://localhost'));
      send(body ? 200 : 404, body ?? { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 });
    } catch (error) {
      send(503, { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: error.message, code: 503 });
    }
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const at = { namespace: 'kube-system', name: 'metrics-server' };
  await api.apply([
    { apiVersion: 'v1', kind: 'Service', metadata: at, spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port }] } },
    { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1beta1.metrics.k8s.io' }, spec: { group: 'metrics.k8s.io', version: 'v1beta1', service: { ...at, port }, insecureSkipTLSVerify: true, groupPriorityMinimum: 100, versionPriority: 100 } },
  ]);
  return server;
}

async function answer(api, { pathname, searchParams }) {
  if (pathname === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: [] };
  if (pathname === ROOT) return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: GROUP, resources: RESOURCES };
  const found = /^\/(?:namespaces\/([^/]+)\/)?(pods|nodes)(?:\/([^/]+))?$/.exec(pathname.slice(ROOT.length));
  if (!pathname.startsWith(`${ROOT}/`) || !found) return undefined;
  const [, namespace, kind, name] = found;
  const query = new URLSearchParams();
  for (const one of ['labelSelector', 'fieldSelector']) if (searchParams.get(one)) query.set(one, searchParams.get(one));
  if (name) query.set('fieldSelector', `metadata.name=${name}`);
  const { items } = await api.get(`/api/v1/${namespace ? `namespaces/${namespace}/` : ''}${kind}?${query}`);
  const measured = kind === 'nodes' ? items.map(nodeMetrics) : items.filter(({ status }) => status.phase === 'Running').map(podMetrics);
  if (name) return measured[0];
  return { kind: kind === 'nodes' ? 'NodeMetricsList' : 'PodMetricsList', apiVersion: GROUP, metadata: {}, items: measured };
}

function podMetrics({ metadata, spec }) {
  return {
    ...head('PodMetrics', metadata),
    containers: spec.containers.map(({ name, resources = {} }) => ({
      name, usage: { cpu: metadata.annotations?.['acme.test/cpu'] ?? half(resources.requests?.cpu, '100m'), memory: half(resources.requests?.memory, '64Mi') },
    })),
  };
}

function nodeMetrics({ metadata }) { return { ...head('NodeMetrics', metadata), usage: { cpu: '2', memory: '8Gi' } }; }

function head(kind, { name, namespace, labels }) {
  return { kind, apiVersion: GROUP, metadata: { name, ...(namespace && { namespace }), labels, creationTimestamp: new Date().toISOString() }, timestamp: new Date().toISOString(), window: '10s' };
}

/** Half of a quantity, in thousandths of it where its unit is one: `250m` of `500m`, `500m` of `1`, `64Mi` of `128Mi`. */
function half(quantity, otherwise) {
  const found = /^([\d.]+)([a-zA-Z]*)$/.exec(quantity ?? '');
  if (!found) return otherwise;
  return found[2] === '' ? `${Math.round(Number(found[1]) * 500)}m` : `${Number(found[1]) / 2}${found[2]}`;
}
