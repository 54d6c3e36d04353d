// A client of a Kubernetes API server, small enough to see through: requests, discovery, server-side apply and watches.
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { load } from '../portal.mjs';

const { parseAllDocuments } = load('yaml');
const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
const REQUEST_TIMEOUT = 30_000;

/** What the API server answered that is not a success; `status` is HTTP's, `body` its `Status` object. */
export class ApiError extends Error {
  constructor(method, path, status, body) {
    super(`${method} ${path}: ${status} ${body?.message ?? JSON.stringify(body)}`);
    this.status = status;
    this.body = body;
    this.reason = body?.reason;
  }
}

/** The objects of a YAML text with any number of documents. */
export function objectsOf(text) {
  return parseAllDocuments(text, { merge: true }).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS();
  }).filter(Boolean);
}

export class Api {
  /** `admin: {certificate, key}` are files of a client certificate; `token` is a bearer token; `ca` is a file. */
  constructor({ url, ca, admin, token }) {
    this.url = url;
    this.token = token;
    this.agent = new https.Agent({
      keepAlive: true, maxSockets: 32, ca: readFileSync(ca),
      ...(admin && { cert: readFileSync(admin.certificate), key: readFileSync(admin.key) }),
    });
    this.resources = new Map();
  }

  /** Sends a request and answers the parsed body; a status of 400 and above is thrown as an `ApiError`. */
  async request(method, path, body, { contentType = 'application/json', accept = 'application/json' } = {}) {
    const answer = await this.open(method, path, body, { contentType, accept });
    const chunks = [];
    for await (const chunk of answer) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const isJson = (answer.headers['content-type'] ?? '').includes('json');
    const parsed = isJson && text !== '' ? JSON.parse(text) : text;
    if (answer.statusCode >= 400) throw new ApiError(method, path, answer.statusCode, parsed);
    return parsed;
  }

  /** Sends a request and answers the response as it begins, for what is read as it comes. */
  open(method, path, body, { contentType = 'application/json', accept = 'application/json', signal, timeout = REQUEST_TIMEOUT } = {}) {
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const headers = { accept };
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    if (text !== undefined) Object.assign(headers, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) });
    return new Promise((resolve, reject) => {
      const request = https.request(new URL(path, this.url), { method, headers, agent: this.agent, signal, timeout }, resolve);
      request.once('timeout', () => request.destroy(new Error(`${method} ${path}: no answer within ${timeout / 1000} s`)));
      request.once('error', reject);
      request.end(text);
    });
  }

  get(path) { return this.request('GET', path); }

  /** The object or collection, or undefined where there is none. */
  async find(path) {
    try { return await this.get(path); } catch (error) {
      if (error.status === 404) return undefined;
      throw error;
    }
  }

  /** Where objects of a kind are: `{plural, namespaced, base}`. Discovery is asked again for a kind that is not known yet. */
  async resource(apiVersion, kind) {
    const key = `${apiVersion}/${kind}`;
    if (!this.resources.has(key)) await this.discover();
    const found = this.resources.get(key);
    if (!found) throw new Error(`the API server knows no ${kind} of ${apiVersion}`);
    return found;
  }

  async discover() {
    for (const root of ['/api', '/apis']) {
      const list = await this.request('GET', root, undefined, { accept: AGGREGATED });
      for (const group of list.items) {
        const name = group.metadata?.name;
        for (const { version, resources = [] } of group.versions) {
          const apiVersion = name ? `${name}/${version}` : version;
          for (const one of resources) {
            const kind = one.responseKind?.kind;
            if (!kind) continue;
            this.resources.set(`${apiVersion}/${kind}`, { plural: one.resource, namespaced: one.scope === 'Namespaced', verbs: one.verbs, base: `${root}${name ? `/${name}` : ''}/${version}` });
          }
        }
      }
    }
  }

  /** The address of an object; of its collection where `name` is left out. */
  async path(apiVersion, kind, { namespace, name } = {}) {
    const { plural, namespaced, base } = await this.resource(apiVersion, kind);
    const folder = namespaced && namespace ? `${base}/namespaces/${namespace}/${plural}` : `${base}/${plural}`;
    return name ? `${folder}/${name}` : folder;
  }

  pathOf(object, namespace = 'default') {
    return this.path(object.apiVersion, object.kind, { namespace: object.metadata.namespace ?? namespace, name: object.metadata.name });
  }

  /** Applies objects, or a YAML text of them, on the server, one after the other, and answers what they became. */
  async apply(objects, { manager = 'test', namespace, force = true, dryRun = false } = {}) {
    const results = [];
    for (const object of typeof objects === 'string' ? objectsOf(objects) : [objects].flat()) {
      const query = new URLSearchParams({ fieldManager: manager, force: String(force), ...(dryRun && { dryRun: 'All' }) });
      results.push(await this.request('PATCH', `${await this.pathOf(object, namespace)}?${query}`, object, { contentType: 'application/apply-patch+yaml' }));
      if (object.kind === 'CustomResourceDefinition') await this.established(object.metadata.name);
    }
    return results;
  }

  merge(path, patch) { return this.request('PATCH', path, patch, { contentType: 'application/merge-patch+json' }); }

  /** Deletes an object by its address; one that is not there is as good. */
  async remove(path, { propagation = 'Background' } = {}) {
    try { return await this.request('DELETE', path, { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: propagation }); } catch (error) {
      if (error.status !== 404) throw error;
      return undefined;
    }
  }

  /** Waits until an object at an address is as wanted, by watching it; answers the object. `wanted(undefined)` asks for its absence. */
  async until(path, wanted, { seconds = 30 } = {}) {
    const cut = path.lastIndexOf('/');
    const [folder, name] = [path.slice(0, cut), path.slice(cut + 1)];
    const items = await this.untilAll(folder, (all) => wanted(all[0]), { seconds, query: { fieldSelector: `metadata.name=${name}` }, what: path });
    return items[0];
  }

  /** Waits until a collection is as wanted, by watching it; answers its items. */
  async untilAll(folder, wanted, { seconds = 30, query = {}, what = folder } = {}) {
    const ended = new AbortController();
    const late = setTimeout(() => ended.abort(), seconds * 1000);
    let items = [];
    try {
      for await (const seen of this.follow(folder, { query, signal: ended.signal })) {
        items = seen;
        if (wanted(items)) return items;
      }
    } finally {
      clearTimeout(late);
      ended.abort();
    }
    throw new Error(`${what} is not as wanted after ${seconds} s; it is ${JSON.stringify(items.map(({ metadata, status }) => ({ name: metadata.name, status })))}`);
  }

  /** Yields all items of a collection whenever one of them changes, beginning with how they are now; ends with `signal`. */
  async* follow(folder, { query = {}, signal }) {
    const items = new Map();
    while (!signal.aborted) {
      const list = await this.get(`${folder}?${new URLSearchParams(query)}`);
      items.clear();
      for (const item of list.items) items.set(item.metadata.uid, item);
      yield [...items.values()];
      for await (const { type, object } of this.watch(folder, { query, signal, from: list.metadata.resourceVersion })) {
        if (type === 'ERROR') break;
        if (type === 'BOOKMARK') continue;
        if (type === 'DELETED') items.delete(object.metadata.uid); else items.set(object.metadata.uid, object);
        yield [...items.values()];
      }
    }
  }

  /** Yields the events of a watch until the server or `signal` ends it. */
  async* watch(folder, { query = {}, signal, from }) {
    const path = `${folder}?${new URLSearchParams({ ...query, watch: 'true', allowWatchBookmarks: 'true', ...(from && { resourceVersion: from }) })}`;
    try {
      const answer = await this.open('GET', path, undefined, { signal, timeout: 600_000 });
      let rest = '';
      answer.setEncoding('utf8');
      for await (const chunk of answer) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop();
        for (const line of lines) yield JSON.parse(line);
      }
      if (answer.statusCode >= 400) throw new ApiError('GET', path, answer.statusCode, rest === '' ? undefined : JSON.parse(rest));
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
  }

  /** Waits until a definition's objects are served. */
  async established(name) {
    await this.until(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`, (crd) => crd?.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True'));
  }

  close() { this.agent.destroy(); }
}
