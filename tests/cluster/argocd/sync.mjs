// Carries out one operation of an Application: hooks before, the objects wave by wave in the order of their kinds, what is
// not wanted any more, hooks after. `report` is told whenever the result changes.
import { MANAGER, hasOption, hookOf, identity, waveOf } from './compare.mjs';
import { healthOf } from './health.mjs';
import { kindAllowed } from './project.mjs';

const HEALTH_SECONDS = 300;
const KINDS = [
  'Namespace', 'NetworkPolicy', 'ResourceQuota', 'LimitRange', 'PodDisruptionBudget', 'Secret', 'ConfigMap', 'StorageClass', 'PersistentVolume', 'PersistentVolumeClaim',
  'ServiceAccount', 'CustomResourceDefinition', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding', 'Service', 'DaemonSet', 'Pod', 'ReplicaSet', 'Deployment',
  'StatefulSet', 'Job', 'CronJob', 'Ingress', 'APIService',
];

/** Answers `{phase, message, resources}`. `entries` are `compare`'s, `hooks` the objects that are hooks. */
export async function synchronize({ app, project, operation, entries, hooks, destination, report }) {
  const run = new Run(app, project, operation, destination, report);
  const { resources: only, prune = false, dryRun = false } = operation.sync;
  const chosen = only?.length ? entries.filter(({ resource }) => only.some((one) => one.kind === resource.kind && one.name === resource.name && (one.group ?? '') === (resource.group ?? ''))) : entries;
  const wanted = chosen.filter(({ object }) => object).map(({ object }) => object);
  const unwanted = chosen.filter(({ resource }) => resource.requiresPruning);
  const of = (hook) => (only?.length ? [] : hooks.filter((object) => hookOf(object).split(',').includes(hook)));
  try {
    const namespace = await run.namespace(wanted);
    await run.allow([...namespace, ...wanted, ...hooks]);
    if (dryRun) return run.ended('Succeeded', 'successfully synced (no more tasks)');
    await run.waves(namespace, 'PreSync');
    await run.waves(of('PreSync'), 'PreSync');
    await run.prune(unwanted.filter((entry) => !pruneLast(app, entry)), prune);
    await run.waves([...wanted, ...of('Sync')], 'Sync');
    await run.prune(unwanted.filter((entry) => pruneLast(app, entry)), prune);
    if (of('PostSync').length > 0) await run.healthy(wanted);
    await run.waves(of('PostSync'), 'PostSync');
    return run.ended('Succeeded', 'successfully synced (all tasks run)');
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    await run.waves(of('SyncFail'), 'SyncFail').catch(() => undefined);
    return run.ended('Failed', error.message);
  }
}

/** The objects in an order in which none needs a later one. */
export function inOrder(objects) {
  const rank = ({ kind }) => (KINDS.includes(kind) ? KINDS.indexOf(kind) : KINDS.length);
  return [...objects].sort((a, b) => waveOf(a) - waveOf(b) || rank(a) - rank(b) || (a.metadata.name < b.metadata.name ? -1 : 1));
}

class Failure extends Error {}

class Run {
  constructor(app, project, operation, destination, report) {
    Object.assign(this, { app, project, destination, report, api: destination.api, results: new Map() });
    this.options = [...(app.spec.syncPolicy?.syncOptions ?? []), ...(operation.sync.syncOptions ?? [])];
  }

  ended(phase, message) { return { phase, message, resources: [...this.results.values()] }; }

  async note(object, syncPhase, fields) {
    const key = JSON.stringify([identity(object), syncPhase]);
    const hook = hookOf(object);
    this.results.set(key, { ...identity(object), namespace: object.metadata.namespace ?? '', group: identity(object).group ?? '', syncPhase, ...(hook && { hookType: hook }), ...fields });
    await this.report([...this.results.values()]);
  }

  /** The namespace that is to be made, if it is not there or not as it should be. */
  async namespace(wanted) {
    const name = this.app.spec.destination.namespace;
    if (!this.options.includes('CreateNamespace=true') || !name || wanted.some((one) => one.kind === 'Namespace' && one.metadata.name === name)) return [];
    const managed = this.app.spec.syncPolicy?.managedNamespaceMetadata;
    const live = await this.api.find(`/api/v1/namespaces/${name}`);
    const lacks = (field) => Object.entries(managed?.[field] ?? {}).some(([key, value]) => live.metadata[field]?.[key] !== value);
    return live && !lacks('labels') && !lacks('annotations') ? [] : [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name, ...managed } }];
  }

  /** Fails, before anything is applied, for what the project or the server does not know. */
  async allow(objects) {
    const definitions = new Set(objects.filter(({ kind }) => kind === 'CustomResourceDefinition').map(({ spec }) => spec.names.kind));
    let refused = false;
    for (const object of objects) {
      const { group = '', kind, name, version, namespace } = identity(object);
      const known = await this.api.resource(object.apiVersion, kind).catch(() => undefined);
      let message;
      if (!known && !definitions.has(kind)) message = `The Kubernetes API could not find ${group ? `${group}/` : ''}${kind} for requested resource ${namespace ?? ''}/${name}. Make sure the "${kind}" CRD is installed on the destination cluster.`;
      else if (!kindAllowed(this.project, { group, kind, name, namespace, namespaced: known?.namespaced ?? true }, this.destination)) message = `resource ${group}:${kind} is not permitted in project ${this.project.metadata.name}`;
      if (!message) continue;
      refused = true;
      await this.note(object, 'Sync', { status: 'SyncFailed', message, version });
    }
    if (refused) throw new Failure('one or more synchronization tasks are not valid');
  }

  async waves(objects, phase) {
    const ordered = inOrder(objects);
    const waves = [...new Set(ordered.map(waveOf))];
    for (const [index, wave] of waves.entries()) {
      const now = ordered.filter((object) => waveOf(object) === wave);
      for (const object of now) await this.applyOne(object, phase);
      const failed = [...this.results.values()].filter(({ status }) => status === 'SyncFailed');
      if (failed.length > 0) throw new Failure(`one or more objects failed to apply, reason: ${failed.map(({ message }) => message).join(',')}`);
      const waited = index + 1 < waves.length ? now : now.filter(hookOf);
      await this.healthy(waited, phase);
    }
  }

  async applyOne(object, phase) {
    try {
      if (hookOf(object)) await this.removeHook(object, 'BeforeHookCreation');
      const [result] = await this.api.apply(object, { manager: MANAGER });
      const created = result.metadata.generation === 1 && result.metadata.managedFields.length === 1;
      await this.note(object, phase, { ...(hookOf(object) ? { hookPhase: 'Running' } : { status: 'Synced' }), message: `${this.plural(object)}/${object.metadata.name} ${created ? 'serverside-applied' : 'configured'}` });
    } catch (error) {
      if (error.status === undefined && !/knows no/.test(error.message)) throw error;
      await this.note(object, phase, { status: 'SyncFailed', message: error.body?.message ?? error.message });
    }
  }

  plural({ apiVersion, kind }) {
    const group = apiVersion.includes('/') ? `.${apiVersion.split('/')[0]}` : '';
    return `${kind.toLowerCase()}${group}`;
  }

  /** Waits until objects are well; a hook that fails fails the operation. */
  async healthy(objects, phase = 'Sync') {
    for (const object of objects) {
      const live = await this.api.until(await this.api.pathOf(object), (it) => {
        const { status } = (it && healthOf(it)) ?? { status: 'Healthy' };
        return !it || status === 'Healthy' || status === 'Degraded' || status === 'Suspended';
      }, { seconds: HEALTH_SECONDS });
      if (!hookOf(object)) continue;
      const health = (live && healthOf(live)) ?? { status: 'Healthy' };
      const failed = health.status === 'Degraded';
      await this.note(object, phase, { hookPhase: failed ? 'Failed' : 'Succeeded', message: health.message ?? '' });
      await this.removeHook(object, failed ? 'HookFailed' : 'HookSucceeded');
      if (failed) throw new Failure('one or more synchronization tasks completed unsuccessfully');
    }
  }

  async removeHook(object, when) {
    const annotations = object.metadata.annotations ?? {};
    const policy = annotations['argocd.argoproj.io/hook-delete-policy'] ?? ({ 'before-hook-creation': 'BeforeHookCreation', 'hook-succeeded': 'HookSucceeded', 'hook-failed': 'HookFailed' })[annotations['helm.sh/hook-delete-policy']] ?? 'BeforeHookCreation';
    if (!policy.split(',').includes(when)) return;
    const path = await this.api.pathOf(object);
    await this.api.remove(path);
    await this.api.until(path, (it) => it === undefined);
  }

  async prune(entries, allowed) {
    for (const { live } of entries.reverse()) {
      if (!allowed) await this.note(live, 'Sync', { status: 'PruneSkipped', message: 'ignored (requires pruning)' });
      else if (hasOption(live, 'Prune=false')) await this.note(live, 'Sync', { status: 'PruneSkipped', message: 'ignored (no prune)' });
      else {
        const path = await this.api.pathOf(live);
        await this.api.remove(path, { propagation: 'Foreground' });
        await this.api.until(path, (it) => it?.metadata.uid !== live.metadata.uid, { seconds: HEALTH_SECONDS });
        await this.note(live, 'Sync', { status: 'Pruned', message: 'pruned' });
      }
    }
  }
}

function pruneLast(app, { live }) {
  return (app.spec.syncPolicy?.syncOptions ?? []).includes('PruneLast=true') || hasOption(live, 'PruneLast=true');
}
