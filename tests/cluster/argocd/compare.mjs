// What an Application wants against what is there, object by object.
//
// The server decides: an object is out of sync if applying it would change it, which a dry run tells.
import { healthOf } from './health.mjs';
import { TRACKING } from './destinations.mjs';

export const MANAGER = 'argocd-controller';
const OPTIONS = 'argocd.argoproj.io/sync-options';

/** `{group, version, kind, namespace, name}` as Applications list their resources. */
export function identity(object) {
  const [version, group = ''] = object.apiVersion.split('/').reverse();
  const { namespace, name } = object.metadata;
  return { ...(group && { group }), version, kind: object.kind, ...(namespace && { namespace }), name };
}

export function trackingId(app, object) {
  const { group = '', kind, namespace = '', name } = identity(object);
  return `${app.metadata.name}:${group}/${kind}:${namespace}/${name}`;
}

/** The hook that an object is, such as `PreSync`, or undefined. */
export function hookOf({ metadata }) {
  const own = metadata.annotations?.['argocd.argoproj.io/hook'];
  if (own) return own;
  const helm = metadata.annotations?.['helm.sh/hook']?.split(',')[0].trim();
  if (!helm || helm === 'crd-install') return undefined;
  return { 'pre-install': 'PreSync', 'pre-upgrade': 'PreSync', 'post-install': 'PostSync', 'post-upgrade': 'PostSync', 'post-delete': 'PostDelete' }[helm] ?? 'Skip';
}

export function waveOf({ metadata }) {
  return Number(metadata.annotations?.['argocd.argoproj.io/sync-wave'] ?? metadata.annotations?.['helm.sh/hook-weight'] ?? 0);
}

export function hasOption({ metadata }, option) {
  return (metadata.annotations?.[OPTIONS] ?? '').split(',').map((one) => one.trim()).includes(option);
}

/** Gives rendered objects the namespace they are for, where their kind has one, and the Application's mark. */
export async function prepare(app, objects, { api }) {
  for (const object of objects) {
    const known = await api.resource(object.apiVersion, object.kind).catch(() => undefined);
    object.metadata = { ...object.metadata };
    if (known?.namespaced ?? true) object.metadata.namespace ??= app.spec.destination.namespace ?? 'default'; else delete object.metadata.namespace;
    if (!hookOf(object)) object.metadata.annotations = { ...object.metadata.annotations, [TRACKING]: trackingId(app, object) };
  }
  return objects;
}

/** One entry for each object that is wanted, or was and is still there: `{object, live, resource}`. */
export async function compare(app, wanted, destination) {
  const desired = wanted.filter((object) => !hookOf(object));
  const entries = await Promise.all(desired.map((object) => entryOf(app, object, destination)));
  const known = new Set(desired.map((object) => trackingId(app, object)));
  const left = [...(app.status?.resources ?? []), ...(app.status?.operationState?.syncResult?.resources ?? [])].filter((one) => !known.has(idOf(app, one)) && !one.hookType);
  for (const one of new Map(left.map((it) => [idOf(app, it), it])).values()) {
    const live = await liveOf(destination, { apiVersion: one.group ? `${one.group}/${one.version}` : one.version, kind: one.kind, metadata: { name: one.name, namespace: one.namespace } });
    if (live?.metadata.annotations?.[TRACKING] !== idOf(app, one)) continue;
    entries.push({ live, resource: { ...identity(live), status: 'OutOfSync', requiresPruning: true }, health: healthOf(live) });
  }
  return entries;
}

/** The object as it is on the server, or undefined where it, or its kind, is not there. */
export async function liveOf({ api }, object) {
  const known = await api.resource(object.apiVersion, object.kind).catch(() => undefined);
  return known && api.find(await api.pathOf(object));
}

async function entryOf(app, object, destination) {
  const live = await liveOf(destination, object);
  const wave = waveOf(object);
  const resource = { ...identity(object), status: 'OutOfSync', ...(wave !== 0 && { syncWave: wave }) };
  if (!live) return { object, resource, health: { status: 'Missing' } };
  try {
    const [result] = await destination.api.apply(object, { manager: MANAGER, dryRun: true });
    const ignored = pointers(app, object);
    if (essence(result, ignored) === essence(live, ignored)) resource.status = 'Synced';
  } catch (error) {
    // What cannot be applied at all is out of sync; who may not ask, or gets no answer, cannot tell.
    if (![400, 409, 422].includes(error.status)) throw error;
  }
  return { object, live, resource, health: healthOf(live) };
}

function idOf(app, { group = '', kind, namespace = '', name }) {
  return `${app.metadata.name}:${group}/${kind}:${namespace}/${name}`;
}

/** The JSON pointers of `ignoreDifferences` that are for an object. */
function pointers(app, object) {
  const { group = '', kind, name, namespace } = identity(object);
  const fits = (rule) => (rule.group ?? '') === group && rule.kind === kind && (!rule.name || rule.name === name) && (!rule.namespace || rule.namespace === namespace);
  return (app.spec.ignoreDifferences ?? []).filter(fits).flatMap(({ jsonPointers = [] }) => jsonPointers);
}

/** An object without what the server notes about it, and without what is to be ignored, in a form that can be compared. */
function essence(object, ignored) {
  const { status, ...rest } = structuredClone(object);
  for (const field of ['managedFields', 'resourceVersion', 'generation', 'creationTimestamp', 'uid']) delete rest.metadata[field];
  for (const pointer of ignored) {
    const parts = pointer.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = parts.pop();
    const holder = parts.reduce((at, part) => at?.[part], rest);
    if (holder) delete holder[last];
  }
  return JSON.stringify(sorted(rest));
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}
