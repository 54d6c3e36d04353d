// The clusters that Applications are for, as Argo CD knows them: the one it is on, and one for every Secret labelled
// `argocd.argoproj.io/secret-type: cluster`. Watches the kinds that Applications have there, to hear of changes at once.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Api } from '../client.mjs';

export const IN_CLUSTER = 'https://kubernetes.default.svc';
export const TRACKING = 'argocd.argoproj.io/tracking-id';

export class Destinations {
  /** `changed(tracking id)` is told of every change to an object that an Application has. */
  constructor(home, { signal, changed }) {
    this.known = new Map([[IN_CLUSTER, { name: 'in-cluster', server: IN_CLUSTER, api: home, watched: new Set() }]]);
    this.signal = signal;
    this.changed = changed;
    this.folder = mkdtempSync(path.join(tmpdir(), 'argocd-clusters-'));
  }

  /** Takes over what the Secrets say now. */
  update(secrets) {
    for (const { name, server, config } of secrets.map(({ data }) => decoded(data))) {
      const settings = JSON.parse(config || '{}');
      const known = this.known.get(server);
      if (known?.config === config || server === IN_CLUSTER) continue;
      const ca = path.join(this.folder, `${this.known.size}.crt`);
      writeFileSync(ca, Buffer.from(settings.tlsClientConfig?.caData ?? '', 'base64'));
      this.known.set(server, { name, server, config, api: new Api({ url: server, ca, token: settings.bearerToken }), watched: known?.watched ?? new Set() });
    }
  }

  of({ server, name }) {
    const found = server ? this.known.get(server) : [...this.known.values()].find((one) => one.name === name);
    if (!found) throw new Error(`there are no clusters with this ${server ? `address: ${server}` : `name: ${name}`}`);
    return found;
  }

  /** Sees to it that changes to objects of a kind are heard of. */
  async watch(destination, apiVersion, kind) {
    const key = `${apiVersion}/${kind}`;
    if (destination.watched.has(key)) return;
    destination.watched.add(key);
    const folder = await destination.api.path(apiVersion, kind);
    this.listen(destination, folder).catch(() => undefined).finally(() => destination.watched.delete(key));
  }

  async listen(destination, folder) {
    const list = await destination.api.get(`${folder}?limit=1`);
    for await (const { object, type } of destination.api.watch(folder, { signal: this.signal, from: list.metadata.resourceVersion })) {
      const id = object.metadata?.annotations?.[TRACKING];
      if (id && type !== 'BOOKMARK') this.changed(id);
    }
  }

  close() {
    for (const one of this.known.values()) if (one.config !== undefined) one.api.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The data of a Secret in clear. */
export function decoded(data = {}) {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}
