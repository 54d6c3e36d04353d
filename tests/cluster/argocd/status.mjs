// The status of an Application as Argo CD writes it, from what was compared.
import { worst } from './health.mjs';

const HISTORY = 10;

/** All of it but the operation and the history; `look`'s answer in, what is to be written out. */
export function statusOf(app, { error, destination, sources, revisions, types, entries = [] }, { namespace, inlineHealth }) {
  const before = app.status ?? {};
  const now = seconds();
  const several = app.spec.sources !== undefined;
  const comparedTo = { destination: app.spec.destination, ...(several ? { sources } : { source: sources[0] }) };
  const health = { status: error ? 'Unknown' : worst(entries.filter(({ resource }) => !resource.requiresPruning).map((one) => one.health)) };
  const [message] = entries.filter((one) => one.health?.status === health.status).map((one) => one.health.message).filter(Boolean);
  if (message && health.status !== 'Healthy') health.message = message;
  const conditions = error ? [{ ...error, lastTransitionTime: before.conditions?.find((one) => one.message === error.message)?.lastTransitionTime ?? now }] : [];
  const synced = entries.every(({ resource }) => resource.status === 'Synced');
  return {
    conditions,
    sync: { status: error ? 'Unknown' : synced ? 'Synced' : 'OutOfSync', comparedTo, ...(revisions && (several ? { revisions } : { revision: revisions[0] })) },
    health: { ...health, lastTransitionTime: before.health?.status === health.status ? before.health.lastTransitionTime : now },
    // What could not be compared keeps its list, for whoever removes the Application later.
    resources: error ? before.resources ?? [] : entries.map((one) => ({ ...one.resource, ...(inlineHealth && one.health && { health: one.health }) })),
    ...(!inlineHealth && { resourceHealthSource: 'appTree' }),
    ...(types && (several ? { sourceTypes: types } : { sourceType: types[0] })),
    summary: summaryOf(entries, destination),
    controllerNamespace: namespace,
  };
}

function summaryOf(entries, destination) {
  const images = entries.flatMap(({ live }) => {
    const pod = live?.spec?.template?.spec ?? live?.spec?.jobTemplate?.spec.template.spec ?? (live?.kind === 'Pod' ? live.spec : undefined);
    return [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])].map(({ image }) => image);
  });
  const urls = entries.flatMap(({ live }) => (live?.kind === 'Ingress' && live.status?.loadBalancer?.ingress ? (live.spec.rules ?? []).filter(({ host }) => host).map(({ host }) => `${live.spec.tls?.some(({ hosts }) => hosts?.includes(host)) ? 'https' : 'http'}://${host}/`) : []));
  return destination ? { ...(images.length && { images: [...new Set(images)].sort() }), ...(urls.length && { externalURLs: [...new Set(urls)].sort() }) } : {};
}

/** The history of an Application with one deployment more. */
export function remembered(app, { startedAt, operation, several, state }) {
  const before = app.status.history ?? [];
  const entry = {
    id: (before.at(-1)?.id ?? -1) + 1, deployStartedAt: startedAt, deployedAt: seconds(), initiatedBy: operation.initiatedBy ?? {},
    ...(several ? { revisions: state.revisions, sources: state.sources } : { revision: state.revisions[0], source: state.sources[0] }),
  };
  return [...before, entry].slice(-(app.spec.revisionHistoryLimit ?? HISTORY));
}

/** A merge patch that leaves nothing of the fields it sets. */
export function cleared(before = {}, after) {
  return Object.fromEntries(Object.entries(after).map(([key, value]) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return [key, value];
    const gone = Object.keys(before[key] ?? {}).filter((field) => !(field in value)).map((field) => [field, null]);
    return [key, { ...Object.fromEntries(gone), ...cleared(before[key], value) }];
  }));
}

/** The part of a status in which nothing changes merely by looking. */
export function unchanging(status = {}) {
  const { reconciledAt, operationState, history, ...rest } = status;
  return rest;
}

/** Whether two values are the same, in whatever order their fields are. */
export function same(a, b) { return canonical(a) === canonical(b); }

function canonical(value) {
  return JSON.stringify(value, (_, it) => (it && typeof it === 'object' && !Array.isArray(it) ? Object.fromEntries(Object.entries(it).sort(([a], [b]) => (a < b ? -1 : 1))) : it));
}

/** Kubernetes' times have no fractions. */
export function seconds() { return `${new Date().toISOString().slice(0, 19)}Z`; }

/** Of a duration such as `5s` or `1m30s`; five seconds where there is none. */
export function milliseconds(text = '5s') {
  const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce((sum, [, count, unit]) => sum + Number(count) * units[unit], 0) || 5000;
}
