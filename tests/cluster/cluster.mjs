// A real Kubernetes control plane on loopback: etcd, kube-apiserver, kube-controller-manager and kube-scheduler, with nodes
// that kwok pretends to be, on which pods become Running and Ready without a container. Any number of them run side by side,
// each with ports, a CA and a folder of its own.
//
// From a test: `const east = await start({ name: 'east' })`, and `await east.stop()` at the end. From another language:
// `node tests/cluster/cluster.mjs start --name east --out FILE`, see `serve.mjs`; README.md tells what each offers.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { load, root } from '../portal.mjs';
import { Api } from './client.mjs';
import { startMetrics } from './metrics.mjs';
import { signToken, writeKeys } from './pki.mjs';
import { Program, freePorts } from './programs.mjs';

const yaml = load('yaml');
const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const STAGES = path.join(path.dirname(fileURLToPath(import.meta.url)), 'stages.yaml');
const CRDS = path.join(root, 'build/cluster/crds');
/** The API server grants no token a shorter life than this; shorter ones are signed here. */
const SHORTEST_TOKEN = 600;
/** How long the API server takes a token after it is over, for clocks that disagree. */
const LEEWAY = 60;
const START_SECONDS = 120;

/**
 * Starts a cluster and answers once its nodes are ready and pods can be made.
 *
 * - `nodes`: how many; each offers 16 CPUs, 64 GiB and 500 pods.
 * - `argo`: whether Argo CD's definitions are installed, and the namespace `argocd` made.
 * - `folder`: where keys, data and logs go; a new temporary one, removed at the end, where it is left out.
 */
export async function start({ name = 'test', nodes = 1, argo = false, folder } = {}) {
  const home = folder ?? mkdtempSync(path.join(tmpdir(), `cluster-${name}-`));
  mkdirSync(home, { recursive: true });
  const cluster = new Cluster(name, home, folder === undefined);
  try {
    await cluster.begin({ nodes, argo });
  } catch (error) {
    const logs = cluster.logs();
    await cluster.stop();
    error.message += Object.entries(logs).map(([of, text]) => `\n--- ${of}\n${text.split('\n').slice(-15).join('\n')}`).join('');
    throw error;
  }
  return cluster;
}

class Cluster {
  constructor(name, folder, temporary) {
    this.name = name;
    this.folder = folder;
    this.temporary = temporary;
    this.programs = {};
    // A test that fails before its end does not get to `stop`.
    this.tidy = () => {
      for (const one of Object.values(this.programs)) one.kill();
      this.forget();
    };
    process.once('exit', this.tidy);
  }

  async begin({ nodes, argo }) {
    const [etcd, peer, server, kubelet, metrics] = await freePorts(5);
    this.keys = await writeKeys(this.folder, this.name);
    this.url = `https://127.0.0.1:${server}`;
    this.ca = readFileSync(this.keys.ca, 'utf8');
    this.etcdUrl = `http://127.0.0.1:${etcd}`;
    this.kubeconfig = this.writeKubeconfig('admin', { user: { 'client-certificate': this.keys.admin.certificate, 'client-key': this.keys.admin.key } });
    this.podLog = path.join(this.folder, 'pods.log');
    writeFileSync(this.podLog, '');
    this.lines = 0;
    this.api = new Api({ url: this.url, ca: this.keys.ca, admin: this.keys.admin });

    this.add('etcd', [
      `--data-dir=${path.join(this.folder, 'etcd')}`, `--listen-client-urls=${this.etcdUrl}`, `--advertise-client-urls=${this.etcdUrl}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`, '--unsafe-no-fsync', '--log-level=warn',
    ]);
    this.add('kube-apiserver', this.serverArgs(server));
    this.add('kube-controller-manager', [
      `--kubeconfig=${this.kubeconfig}`, '--leader-elect=false', '--secure-port=0', `--root-ca-file=${this.keys.ca}`,
      `--service-account-private-key-file=${this.keys.accountsPrivate}`, '--kube-api-qps=200', '--kube-api-burst=400',
      '--horizontal-pod-autoscaler-sync-period=1s', '--horizontal-pod-autoscaler-initial-readiness-delay=0s', '--horizontal-pod-autoscaler-cpu-initialization-period=0s',
      // Nothing pretends to be ill here by missing heartbeats, and on a busy machine they would be missed.
      '--controllers=*,-node-lifecycle-controller,-node-ipam-controller,-certificatesigningrequest-signing-controller',
    ]);
    this.add('kube-scheduler', [`--kubeconfig=${this.kubeconfig}`, '--leader-elect=false', '--secure-port=0', '--kube-api-qps=200', '--kube-api-burst=400']);
    this.add('kwok', [
      `--kubeconfig=${this.kubeconfig}`, '--manage-all-nodes', `--config=${this.writeKwokConfig()}`, '--node-ip=127.0.0.1', `--node-port=${kubelet}`,
      `--server-address=127.0.0.1:${kubelet}`, `--tls-cert-file=${this.keys.server.certificate}`, `--tls-private-key-file=${this.keys.server.key}`,
    ], { HOME: this.folder });

    this.programs.etcd.start();
    this.programs['kube-apiserver'].start();
    await this.ready();
    for (const one of ['kube-controller-manager', 'kube-scheduler', 'kwok']) this.programs[one].start();
    await this.api.apply(Array.from({ length: nodes }, (_, index) => node(`${this.name}-${index + 1}`)));
    await this.api.apply(STORAGE);
    this.metrics = await startMetrics(this.api, { ...this.keys.server, port: metrics });
    if (argo) await this.installArgo();
    await this.whileRunning(Promise.all([
      this.api.untilAll('/api/v1/nodes', (all) => all.length === nodes && all.every(isReady), { seconds: START_SECONDS }),
      this.api.until('/api/v1/namespaces/default/serviceaccounts/default', Boolean, { seconds: START_SECONDS }),
    ]));
  }

  add(name, args, env) {
    this.programs[name] = new Program(name, args, { folder: this.folder, env });
  }

  serverArgs(port) {
    const { keys } = this;
    return [
      `--etcd-servers=${this.etcdUrl}`, '--bind-address=127.0.0.1', `--secure-port=${port}`, `--tls-cert-file=${keys.server.certificate}`,
      `--tls-private-key-file=${keys.server.key}`, `--client-ca-file=${keys.ca}`, '--authorization-mode=RBAC', '--allow-privileged=true',
      `--service-account-issuer=${ISSUER}`, `--service-account-key-file=${keys.accountsPublic}`, `--service-account-signing-key-file=${keys.accountsPrivate}`,
      // For the metrics API, which is behind this one.
      `--requestheader-client-ca-file=${keys.ca}`, '--requestheader-allowed-names=front-proxy', '--requestheader-username-headers=X-Remote-User', '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-', `--proxy-client-cert-file=${keys.admin.certificate}`, `--proxy-client-key-file=${keys.admin.key}`,
      '--service-cluster-ip-range=10.96.0.0/16', '--endpoint-reconciler-type=none', `--kubelet-client-certificate=${keys.admin.certificate}`,
      `--kubelet-client-key=${keys.admin.key}`, '--kubelet-preferred-address-types=InternalIP',
      // Only the controller that is not run here would take the taint off again that this one puts on new nodes.
      '--disable-admission-plugins=TaintNodesByCondition',
    ];
  }

  writeKubeconfig(user, { user: credentials }) {
    const file = path.join(this.folder, `${user}.kubeconfig`);
    writeFileSync(file, yaml.stringify({
      apiVersion: 'v1', kind: 'Config', 'current-context': this.name,
      clusters: [{ name: this.name, cluster: { server: this.url, 'certificate-authority': this.keys.ca } }],
      users: [{ name: user, user: credentials }],
      contexts: [{ name: this.name, context: { cluster: this.name, user } }],
    }), { mode: 0o600 });
    return file;
  }

  /** What the pretended nodes do, and where the log of every container comes from. */
  writeKwokConfig() {
    const file = path.join(this.folder, 'kwok.yaml');
    const logs = { apiVersion: 'kwok.x-k8s.io/v1alpha1', kind: 'ClusterLogs', metadata: { name: 'all' }, spec: { logs: [{ logsFile: this.podLog, follow: true }] } };
    writeFileSync(file, `${readFileSync(STAGES, 'utf8')}---\n${yaml.stringify(logs)}`);
    return file;
  }

  /** Waits until the API server answers that it is ready. */
  async ready() {
    const server = this.programs['kube-apiserver'];
    const late = Date.now() + START_SECONDS * 1000;
    for (;;) {
      const answer = await this.api.request('GET', '/readyz').catch((error) => error);
      if (answer === 'ok') return;
      this.programs.etcd.check();
      server.check();
      if (Date.now() > late) throw new Error(`the API server of ${this.name} is not ready after ${START_SECONDS} s: ${answer.message ?? answer}`);
      await after(50);
    }
  }

  /** Waits for something, but not once one of the programs has ended. */
  whileRunning(wanted) {
    return Promise.race([wanted, ...Object.values(this.programs).map((one) => one.exited.then(() => one.check()))]);
  }

  async installArgo() {
    let files;
    try { files = readdirSync(CRDS).filter((file) => file.endsWith('-crd.yaml')); } catch { files = []; }
    if (files.length === 0) throw new Error(`Argo CD's definitions are not in ${CRDS}; run .ci/setup test, which fetches them`);
    await Promise.all(files.map((file) => this.api.apply(yaml.parse(readFileSync(path.join(CRDS, file), 'utf8')))));
    await this.api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
  }

  /** kubectl in one function; answers the parsed body, throws an `ApiError` for a status of 400 and above. */
  request(method, where, body, options) { return this.api.request(method, where, body, options); }

  /**
   * The bearer token of a service account, which is made where it is missing.
   *
   * `rbac` is what it may do: `'cluster-admin'` or the name of another ClusterRole, bound everywhere, or
   * `{ rules, namespaces }`, bound in these namespaces, everywhere where `namespaces` is left out. `seconds` is how long the
   * token is taken; below ten minutes it is signed here instead of by the API server, and from 0 down it is over already.
   */
  async token(account, namespace = 'default', rbac, { seconds = 3600 } = {}) {
    const at = { name: account, namespace };
    await this.api.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: at }]);
    if (rbac) await this.grant(at, rbac);
    const where = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}`;
    if (seconds >= SHORTEST_TOKEN) {
      const answer = await this.request('POST', `${where}/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: seconds } });
      return answer.status.token;
    }
    const { metadata: { uid } } = await this.api.get(where);
    const now = Math.floor(Date.now() / 1000);
    return signToken(readFileSync(this.keys.accountsPrivate, 'utf8'), {
      iss: ISSUER, aud: [ISSUER], sub: `system:serviceaccount:${namespace}:${account}`, iat: now - SHORTEST_TOKEN, nbf: now - SHORTEST_TOKEN, exp: now + seconds - LEEWAY - 1,
      'kubernetes.io': { namespace, serviceaccount: { name: account, uid } },
    });
  }

  async grant({ name, namespace }, rbac) {
    const rbacOf = (kind, metadata, rest) => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind, metadata, ...rest });
    const subjects = [{ kind: 'ServiceAccount', name, namespace }];
    const role = `${namespace}-${name}`;
    const binding = typeof rbac === 'string' ? rbac : role;
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: binding };
    if (typeof rbac !== 'string') await this.api.apply(rbacOf('ClusterRole', { name: role }, { rules: rbac.rules }));
    if (typeof rbac === 'string' || !rbac.namespaces) {
      await this.api.apply(rbacOf('ClusterRoleBinding', { name: `${role}-${binding}` }, { roleRef, subjects }));
      return;
    }
    for (const one of rbac.namespaces) {
      await this.api.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: one } }, rbacOf('RoleBinding', { name: `${role}-${binding}`, namespace: one }, { roleRef, subjects })]);
    }
  }

  /** A client with a token, as one that is not the administrator. */
  as(token) { return new Api({ url: this.url, ca: this.keys.ca, token }); }

  /** Ends the API server without notice; the rest goes on, and tries to reach it. */
  async killServer() { await this.programs['kube-apiserver'].kill(); }

  /** Starts the API server again at its old address, and answers once it is ready. */
  async startServer() {
    this.programs['kube-apiserver'].start();
    await this.ready();
    // What discovery said before may not be so any more.
    this.api.resources.clear();
  }

  /** Has etcd forget all but the newest state, so that a watch or a list from an older one gets 410 Gone. */
  async compact() {
    const ask = async (what, body) => {
      const answer = await fetch(`${this.etcdUrl}/v3/${what}`, { method: 'POST', body: JSON.stringify(body), signal: AbortSignal.timeout(10_000) });
      if (!answer.ok) throw new Error(`etcd: ${what}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    };
    const { header: { revision } } = await ask('kv/range', { key: Buffer.from('/').toString('base64'), count_only: true });
    await ask('kv/compaction', { revision, physical: true });
  }

  /** Adds lines to the log that every container of the cluster has. */
  writePodLog(text) {
    // Each has a time of its own, as nodes give them.
    const time = () => new Date().toISOString().replace('Z', `${String(this.lines += 1).padStart(6, '0')}Z`);
    const lines = text.replace(/\n$/, '').split('\n').map((line) => `${time()} stdout F ${line}\n`);
    writeFileSync(this.podLog, lines.join(''), { flag: 'a' });
  }

  get pids() { return Object.fromEntries(Object.values(this.programs).filter(({ running }) => running).map(({ name, pid }) => [name, pid])); }

  /** The output of each program. */
  logs() { return Object.fromEntries(Object.values(this.programs).map((one) => [one.name, one.log()])); }

  async stop() {
    this.metrics?.close();
    this.metrics?.closeAllConnections();
    this.api?.close();
    // Nothing of it is to be kept, so nothing has to be given time to end well.
    await Promise.all(Object.values(this.programs).map((one) => one.kill()));
    process.removeListener('exit', this.tidy);
    this.forget();
  }

  forget() {
    if (this.temporary) rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** The class that claims have which name none; `stages.yaml` provides its volumes. */
const STORAGE = {
  apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'simulated', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner: 'kwok.x-k8s.io/volume', reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate',
};

function node(name) {
  const room = { cpu: '16', memory: '64Gi', pods: '500', 'ephemeral-storage': '200Gi' };
  return {
    apiVersion: 'v1', kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64', type: 'kwok' } },
    status: { capacity: room, allocatable: room },
  };
}

function isReady(object) {
  return object.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) import('./serve.mjs'); // not awaited: it imports this
