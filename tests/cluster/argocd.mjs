// A stand-in for Argo CD's application controller and repository server, for clusters of `cluster.mjs`: it watches
// Applications, renders what they want from Git, applies it where they say, and writes their status as Argo CD does.
// argocd/README.md says where it differs from the real one.
//
// One loop per Application: every reason to look again (a change of the Application, of one of its objects, of its
// repository) asks for a `refresh`, which runs one at a time and once more if asked meanwhile. An operation runs beside it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { compare, hookOf, liveOf, prepare } from './argocd/compare.mjs';
import { Destinations, decoded } from './argocd/destinations.mjs';
import { refusals } from './argocd/project.mjs';
import { Sources } from './argocd/sources.mjs';
import { cleared, milliseconds, remembered, same, seconds, statusOf, unchanging } from './argocd/status.mjs';
import { inOrder, synchronize } from './argocd/sync.mjs';

const APPLICATIONS = '/apis/argoproj.io/v1alpha1/namespaces/NAMESPACE/applications';
const REFRESH = 'argocd.argoproj.io/refresh';
const FINALIZER = /^resources-finalizer\.argocd\.argoproj\.io(\/.*)?$/;
const RETRY_MILLISECONDS = 200;
/** How long what has just been deployed is left alone before it is healed; Argo CD waits five seconds. */
const HEAL_MILLISECONDS = 1000;
/** Everything is looked at this often, for what no watch told. */
const RESYNC_SECONDS = 10;

/**
 * Starts it for the Applications in `namespace` of a cluster. `pollSeconds` is how often repositories are asked for changes.
 * Answers `{refresh(name), problems, stop()}`; `problems` are the errors of its own, not those that Applications have.
 */
export async function startArgo(cluster, { namespace = 'argocd', pollSeconds = 1, inlineHealth = false } = {}) {
  const { gitVersion } = await cluster.api.get('/version');
  const argo = new Argo(cluster.api, { namespace, inlineHealth, kubeVersion: gitVersion });
  await argo.begin(pollSeconds);
  return argo;
}

class Argo {
  constructor(api, { namespace, inlineHealth, kubeVersion }) {
    this.api = api;
    this.namespace = namespace;
    this.inlineHealth = inlineHealth;
    this.applications = APPLICATIONS.replace('NAMESPACE', namespace);
    this.ended = new AbortController();
    this.folder = mkdtempSync(path.join(tmpdir(), 'argocd-'));
    this.secrets = [];
    this.projects = new Map();
    this.loops = new Map();
    this.operations = new Map();
    this.finished = new Map();
    this.refs = new Map();
    this.problems = [];
    this.destinations = new Destinations(api, { signal: this.ended.signal, changed: (id) => this.refresh(id.split(':')[0]) });
    this.sources = new Sources({ folder: this.folder, kubeVersion, credentials: (url) => this.credentials(url) });
  }

  async begin(pollSeconds) {
    if (!await this.api.find(`/apis/argoproj.io/v1alpha1/namespaces/${this.namespace}/appprojects/default`)) {
      const everywhere = { sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }], clusterResourceWhitelist: [{ group: '*', kind: '*' }] };
      await this.api.apply({ apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject', metadata: { name: 'default', namespace: this.namespace }, spec: everywhere });
    }
    this.keep(`/api/v1/namespaces/${this.namespace}/secrets`, (all) => {
      this.secrets = all.filter(({ metadata }) => metadata.labels?.['argocd.argoproj.io/secret-type']);
      this.destinations.update(this.secrets.filter((one) => typeOf(one) === 'cluster'));
      this.refreshAll();
    });
    this.keep(`/apis/argoproj.io/v1alpha1/namespaces/${this.namespace}/appprojects`, (all) => {
      this.projects = new Map(all.map((one) => [one.metadata.name, one]));
      this.refreshAll();
    });
    this.keep(this.applications, (all) => this.see(all));
    this.every(pollSeconds, () => this.poll());
    this.every(RESYNC_SECONDS, () => this.refreshAll());
  }

  /** Follows a collection for as long as this runs, whatever happens to the API server meanwhile. */
  async keep(folder, changed) {
    while (!this.ended.signal.aborted) {
      try {
        for await (const items of this.api.follow(folder, { signal: this.ended.signal })) changed(items);
      } catch {
        await after(RETRY_MILLISECONDS);
      }
    }
  }

  every(seconds, work) {
    const timer = setInterval(() => Promise.resolve(work()).catch((error) => this.problems.push(error.message)), seconds * 1000);
    this.ended.signal.addEventListener('abort', () => clearInterval(timer));
  }

  /** Takes note of the Applications there are, and looks at those that someone else has changed. */
  see(all) {
    const names = new Set(all.map(({ metadata }) => metadata.name));
    for (const name of this.loops.keys()) if (!names.has(name)) this.loops.delete(name);
    for (const app of all) {
      const { spec, operation, metadata } = app;
      const now = JSON.stringify([spec, operation, metadata.annotations?.[REFRESH], metadata.deletionTimestamp]);
      const loop = this.loops.get(metadata.name) ?? { running: false, again: false };
      this.loops.set(metadata.name, loop);
      loop.sources = sourcesOf(app);
      if (loop.seen !== now) this.refresh(metadata.name);
      loop.seen = now;
    }
  }

  /** Asks every repository for its refs, and looks again at the Applications of those that have moved. */
  async poll() {
    if (this.polling) return;
    this.polling = true;
    try {
      const urls = new Set([...this.loops.values()].flatMap(({ sources = [] }) => sources.map(({ repoURL }) => repoURL)));
      for (const url of urls) {
        const refs = await this.sources.refs(url).catch(() => undefined);
        const before = this.refs.get(url);
        if (refs && before && JSON.stringify([...refs]) === JSON.stringify([...before])) continue;
        if (refs) this.refs.set(url, refs); else this.refs.delete(url);
        for (const [name, { sources }] of this.loops) if (sources.some(({ repoURL }) => repoURL === url)) this.refresh(name);
      }
    } finally {
      this.polling = false;
    }
  }

  refreshAll() { for (const name of this.loops.keys()) this.refresh(name); }

  async refresh(name) {
    const loop = this.loops.get(name);
    if (!loop || this.ended.signal.aborted) return;
    loop.again = true;
    if (loop.running) return;
    loop.running = true;
    while (loop.again && !this.ended.signal.aborted) {
      loop.again = false;
      try {
        await this.reconcile(name);
      } catch (error) {
        // The API server is away, or the Application has changed meanwhile: the next look will tell.
        if (error.status !== 404) this.problems.push(`${name}: ${error.message}`);
        await after(RETRY_MILLISECONDS);
        loop.again = error.status !== 404;
      }
    }
    loop.running = false;
  }

  async reconcile(name) {
    const before = this.finished.get(name);
    const app = await this.api.find(`${this.applications}/${name}`);
    if (!app) return;
    if (app.metadata.deletionTimestamp) {
      await this.remove(app);
      return;
    }
    const asked = app.metadata.annotations?.[REFRESH];
    if (asked) {
      for (const { repoURL } of sourcesOf(app)) this.refs.delete(repoURL);
      if (asked === 'hard') this.sources.rendered.clear();
    }
    const state = await this.look(app);
    const status = statusOf(app, state, { namespace: this.namespace, inlineHealth: this.inlineHealth });
    const finished = await this.write(app, status, asked ? { metadata: { annotations: { [REFRESH]: null } } } : {});
    // What an operation did meanwhile is not in what was looked at; it asks for another look at its end.
    if (state.error || this.operations.has(name) || this.finished.get(name) !== before) return;
    const wanted = finished.operation ?? interrupted(finished) ?? this.automatic(finished, state);
    if (wanted) this.operate(finished, wanted);
  }

  /** What an Application wants and what is there: `{destination, sources, revisions, types, entries, hooks}`, or `{error: {type, message}}`. */
  async look(app, { at } = {}) {
    const sources = at?.sources ?? sourcesOf(app);
    const project = this.projects.get(app.spec.project ?? 'default');
    let type = 'InvalidSpecError';
    try {
      const destination = this.destinations.of(app.spec.destination);
      const refused = refusals(project, app.spec.project ?? 'default', sources, app.spec.destination, destination);
      if (refused.length > 0) throw new Error(refused.join('; '));
      type = 'ComparisonError';
      const revisions = await Promise.all(sources.map((source, index) => this.revision(source, at?.revisions?.[index])));
      const { objects, types } = await this.sources.objects(app, sources, revisions);
      const prepared = await prepare(app, objects, destination);
      const entries = await compare(app, prepared, destination);
      for (const { resource } of entries) {
        const apiVersion = resource.group ? `${resource.group}/${resource.version}` : resource.version;
        await this.destinations.watch(destination, apiVersion, resource.kind).catch(() => undefined);
      }
      return { destination, project, sources, revisions, types, entries, hooks: prepared.filter(hookOf) };
    } catch (error) {
      return { error: { type, message: error.message }, sources };
    }
  }

  async revision(source, wanted) {
    if (wanted) return this.sources.resolve({ ...source, targetRevision: wanted });
    if (!this.refs.has(source.repoURL)) this.refs.set(source.repoURL, await this.sources.refs(source.repoURL));
    return this.sources.resolve(source, this.refs.get(source.repoURL));
  }

  /** Writes a status if it says something new, and answers the Application as it is then. */
  async write(app, status, more = {}) {
    const merged = { ...app.status, ...status };
    if (Object.keys(more).length === 0 && same(unchanging(app.status), unchanging(merged))) return app;
    return this.api.merge(`${this.applications}/${app.metadata.name}`, { ...more, status: { ...cleared(app.status, status), reconciledAt: seconds() } });
  }

  /** The operation that an Application starts by itself, if it does. */
  automatic(app, { entries, revisions, sources }) {
    const { automated } = app.spec.syncPolicy ?? {};
    if (!automated || automated.enabled === false || app.status.sync.status !== 'OutOfSync') return undefined;
    if (!automated.prune && entries.every(({ resource }) => resource.status === 'Synced' || resource.requiresPruning)) return undefined;
    if (!automated.allowEmpty && entries.length > 0 && entries.every(({ resource }) => resource.requiresPruning)) return undefined;
    const last = app.status.operationState;
    const result = last?.syncResult;
    const attempted = result && same(result.sources ?? [result.source], sources) && same(result.revisions ?? [result.revision], revisions);
    if (attempted && !(automated.selfHeal && last.phase === 'Succeeded' && this.rested(app.metadata.name))) return undefined;
    const sync = { prune: automated.prune ?? false, ...(app.spec.sources ? { revisions } : { revision: revisions[0] }), ...(app.spec.syncPolicy.syncOptions && { syncOptions: app.spec.syncPolicy.syncOptions }) };
    return { sync, initiatedBy: { automated: true }, retry: app.spec.syncPolicy.retry ?? { limit: 5 } };
  }

  /** Whether the last operation is long enough ago for healing; if not, it is looked at again when it is. */
  rested(name) {
    const left = (this.finished.get(name) ?? 0) + HEAL_MILLISECONDS - Date.now();
    if (left > 0) after(left, undefined, { signal: this.ended.signal }).then(() => this.refresh(name), () => undefined);
    return left <= 0;
  }

  /** Runs an operation to its end beside everything else. */
  operate(app, operation) {
    const { name } = app.metadata;
    const running = this.run(app, operation)
      .catch((error) => { if (!this.ended.signal.aborted) this.problems.push(`${name}: ${error.message}`); })
      .finally(() => {
        this.operations.delete(name);
        this.finished.set(name, Date.now());
        this.refresh(name);
      });
    this.operations.set(name, running);
  }

  async run(app, operation) {
    const startedAt = seconds();
    const where = `${this.applications}/${app.metadata.name}`;
    const several = app.spec.sources !== undefined;
    await this.api.merge(where, { operation: null, status: { operationState: { operation, phase: 'Running', startedAt, message: 'waiting to start', finishedAt: null, syncResult: null, retryCount: null } } });
    const { sync = {} } = operation;
    const at = { sources: sync.sources ?? (sync.source ? [sync.source] : undefined), revisions: sync.revisions ?? (sync.revision ? [sync.revision] : undefined) };
    const limit = operation.retry?.limit ?? 0;
    for (let attempt = 0; ; attempt += 1) {
      const state = await this.look(app, { at });
      const of = several ? { revision: '', revisions: state.revisions, sources: state.sources } : { revision: state.revisions?.[0] ?? '', source: state.sources[0] };
      const report = (resources) => this.api.merge(where, { status: { operationState: { phase: 'Running', message: 'syncing', syncResult: { ...of, resources } } } });
      const result = state.error
        ? { phase: 'Error', message: `ComparisonError: ${state.error.message}`, resources: [] }
        : await synchronize({ app, project: state.project, operation: { ...operation, sync }, ...state, report });
      const again = result.phase !== 'Succeeded' && attempt < limit && !sync.dryRun;
      const message = again ? `${result.message}. Retrying attempt #${attempt + 1}.` : result.message;
      const operationState = { operation, startedAt, phase: again ? 'Running' : result.phase, message, syncResult: { ...of, resources: result.resources }, ...(attempt > 0 && { retryCount: attempt }), ...(!again && { finishedAt: seconds() }) };
      const current = await this.api.get(where);
      const history = result.phase === 'Succeeded' && !sync.dryRun ? { history: remembered(current, { startedAt, operation, several, state }) } : {};
      await this.api.merge(where, { status: { operationState, ...history } });
      if (!again) return;
      await after(milliseconds(operation.retry?.backoff?.duration), undefined, { signal: this.ended.signal });
    }
  }

  /** Takes an Application's objects away before it goes, if its finalizer says so. */
  async remove(app) {
    const finalizers = app.metadata.finalizers ?? [];
    if (!finalizers.some((one) => FINALIZER.test(one))) return;
    let left = 0;
    let destination;
    try { destination = this.destinations.of(app.spec.destination); } catch { destination = undefined; }
    if (destination) {
      const listed = (app.status?.resources ?? []).map(({ group, version, kind, namespace, name }) => ({ apiVersion: group ? `${group}/${version}` : version, kind, metadata: { name, namespace } }));
      for (const object of inOrder(listed).reverse()) {
        const live = await liveOf(destination, object);
        if (!live?.metadata.annotations?.['argocd.argoproj.io/tracking-id']?.startsWith(`${app.metadata.name}:`)) continue;
        left += 1;
        if (!live.metadata.deletionTimestamp) await destination.api.remove(await destination.api.pathOf(live), { propagation: 'Foreground' });
      }
    }
    if (left > 0) {
      await after(RETRY_MILLISECONDS);
      this.loops.get(app.metadata.name).again = true;
      return;
    }
    await this.api.merge(`${this.applications}/${app.metadata.name}`, { metadata: { finalizers: finalizers.filter((one) => !FINALIZER.test(one)) } });
  }

  /** The login for a repository: its own, or that of the longest address that it begins with. */
  credentials(url) {
    const known = this.secrets.filter((one) => ['repository', 'repo-creds'].includes(typeOf(one))).map((one) => ({ type: typeOf(one), ...decoded(one.data) }));
    const fits = known.filter((one) => one.password && (one.type === 'repository' ? one.url === url : url.startsWith(one.url)));
    const [best] = fits.sort((a, b) => b.url.length - a.url.length);
    return best && { username: best.username || 'git', password: best.password };
  }

  async stop() {
    this.ended.abort();
    await Promise.allSettled(this.operations.values());
    this.destinations.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function typeOf({ metadata }) { return metadata.labels['argocd.argoproj.io/secret-type']; }

function sourcesOf({ spec }) { return spec.sources ?? [spec.source]; }

/** The operation that was running when whoever ran it ended. */
function interrupted(app) {
  const state = app.status?.operationState;
  return state?.phase === 'Running' ? state.operation : undefined;
}
