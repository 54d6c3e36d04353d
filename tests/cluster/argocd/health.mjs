// How well an object is, by the rules of Argo CD's own checks for the kinds that the tests deploy.

/** From worst to best, as an Application takes the worst of its resources. `Unknown` and none count for nothing. */
const ORDER = ['Missing', 'Degraded', 'Progressing', 'Suspended', 'Healthy'];

/** `{status, message?}` of an object, or undefined for a kind that has no health. */
export function healthOf(object) {
  if (object.metadata.deletionTimestamp) return progressing('Pending deletion');
  return CHECKS[object.kind]?.(object);
}

/** The health of an Application whose resources have these. */
export function worst(all) {
  const known = all.filter(Boolean).map(({ status }) => status).filter((status) => ORDER.includes(status));
  return known.sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b))[0] ?? 'Healthy';
}

const healthy = (message) => ({ status: 'Healthy', ...(message && { message }) });
const progressing = (message) => ({ status: 'Progressing', ...(message && { message }) });
const degraded = (message) => ({ status: 'Degraded', ...(message && { message }) });
const suspended = (message) => ({ status: 'Suspended', message });

const CHECKS = {
  Deployment({ metadata, spec, status = {} }) {
    if (spec.paused) return suspended('Deployment is paused');
    if (!(metadata.generation <= (status.observedGeneration ?? 0))) return progressing('Waiting for rollout to finish: observed deployment generation less than desired generation');
    const { updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = status;
    if (condition(status, 'Progressing')?.reason === 'ProgressDeadlineExceeded') return degraded(`Deployment "${metadata.name}" exceeded its progress deadline`);
    if (updatedReplicas < (spec.replicas ?? 1)) return progressing(`Waiting for rollout to finish: ${updatedReplicas} out of ${spec.replicas} new replicas have been updated...`);
    if (replicas > updatedReplicas) return progressing(`Waiting for rollout to finish: ${replicas - updatedReplicas} old replicas are pending termination...`);
    if (availableReplicas < updatedReplicas) return progressing(`Waiting for rollout to finish: ${availableReplicas} of ${updatedReplicas} updated replicas are available...`);
    return healthy();
  },

  StatefulSet({ metadata, spec, status = {} }) {
    if (!status.observedGeneration || metadata.generation > status.observedGeneration) return progressing('Waiting for statefulset spec update to be observed...');
    if ((status.readyReplicas ?? 0) < (spec.replicas ?? 1)) return progressing(`Waiting for ${(spec.replicas ?? 1) - (status.readyReplicas ?? 0)} pods to be ready...`);
    if (spec.updateStrategy?.type === 'OnDelete') return healthy(`statefulset has ${status.readyReplicas ?? 0} ready pods`);
    if (status.updateRevision !== status.currentRevision) return progressing(`waiting for statefulset rolling update to complete ${status.updatedReplicas ?? 0} pods at revision ${status.updateRevision}...`);
    return healthy(`statefulset rolling update complete ${status.currentReplicas ?? 0} pods at revision ${status.currentRevision}...`);
  },

  DaemonSet({ metadata, spec, status = {} }) {
    if (metadata.generation > (status.observedGeneration ?? 0)) return progressing('Waiting for rollout to finish: observed daemon set generation less than desired generation');
    if (spec.updateStrategy?.type === 'OnDelete') return healthy();
    const { desiredNumberScheduled: desired = 0, updatedNumberScheduled: updated = 0, numberAvailable: available = 0 } = status;
    if (updated < desired) return progressing(`Waiting for daemon set "${metadata.name}" rollout to finish: ${updated} out of ${desired} new pods have been updated...`);
    if (available < desired) return progressing(`Waiting for daemon set "${metadata.name}" rollout to finish: ${available} of ${desired} updated pods are available...`);
    return healthy();
  },

  Pod({ spec, status = {} }) {
    const containers = status.containerStatuses ?? [];
    const always = (spec.restartPolicy ?? 'Always') === 'Always';
    if (always) {
      const waiting = containers.map(({ state }) => state?.waiting).find((it) => it && (/^Err/.test(it.reason) || /(Error|BackOff)$/.test(it.reason)));
      if (waiting) return degraded(waiting.message);
    }
    switch (status.phase) {
      case 'Pending': return progressing(status.message);
      case 'Succeeded': return healthy(status.message);
      case 'Failed': {
        const failed = containers.map(({ state }) => state?.terminated).find((it) => it && it.exitCode !== 0);
        return degraded(status.message ?? failed?.message ?? (failed && `container failed with exit code ${failed.exitCode}`));
      }
      case 'Running':
        if (!always) return progressing(status.message);
        if (condition(status, 'Ready')?.status === 'True') return healthy(status.message);
        return containers.some(({ lastState }) => lastState?.terminated) ? degraded(status.message) : progressing(status.message);
      default: return { status: 'Unknown', message: status.message };
    }
  },

  Job({ spec, status = {} }) {
    const failed = condition(status, 'Failed');
    if (failed?.status === 'True') return degraded(failed.message);
    const complete = condition(status, 'Complete');
    if (complete?.status === 'True') return healthy(complete.message);
    return spec.suspend ? suspended('Job is suspended') : progressing();
  },

  PersistentVolumeClaim({ status = {} }) {
    const known = { Lost: degraded(), Pending: progressing(), Bound: healthy() };
    return known[status.phase] ?? { status: 'Unknown' };
  },

  Service({ spec, status = {} }) {
    return spec.type === 'LoadBalancer' && !status.loadBalancer?.ingress?.length ? progressing() : healthy();
  },

  Ingress({ status = {} }) {
    return status.loadBalancer?.ingress?.length ? healthy() : progressing();
  },

  HorizontalPodAutoscaler({ status = {} }) {
    const conditions = status.conditions ?? [];
    const bad = conditions.find((it) => it.status === 'False' && /^(FailedGetScale|FailedUpdateScale|FailedGet\w*Metric|InvalidSelector|Invalid\w*)$/.test(it.reason));
    if (bad) return degraded(bad.message);
    const able = conditions.find(({ type, status: is }) => (type === 'AbleToScale' || type === 'ScalingLimited') && is === 'True');
    return able ? healthy(able.message) : progressing('Waiting to Autoscale');
  },
};

function condition(status, wanted) {
  return status.conditions?.find(({ type }) => type === wanted);
}
