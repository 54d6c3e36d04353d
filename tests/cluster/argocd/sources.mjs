// What an Application wants: its Git source at a revision, rendered with helm, or plain manifests as they are.
//
// Repositories are mirrored once and every revision of them is unpacked once. Credentials come from the Secrets that Argo CD
// knows them by, labelled `argocd.argoproj.io/secret-type: repository` or `repo-creds`.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { load } from '../../portal.mjs';
import { objectsOf } from '../client.mjs';
import { find } from '../programs.mjs';

const run = promisify(execFile);
const yaml = load('yaml');
const LIMIT = { timeout: 60_000, maxBuffer: 64 << 20 };
const COMMIT = /^[0-9a-f]{40}$/;

export class Sources {
  /** `credentials(url)` answers `{username, password}` or undefined; `kubeVersion` is what charts are rendered for. */
  constructor({ folder, credentials, kubeVersion }) {
    this.folder = folder;
    this.credentials = credentials;
    this.kubeVersion = kubeVersion;
    this.pending = new Map();
    this.rendered = new Map();
  }

  /** Every ref of a repository as `git ls-remote` tells them. */
  async refs(url) {
    const lines = (await this.git(url, ['ls-remote', url])).split('\n').filter(Boolean);
    return new Map(lines.map((line) => line.split('\t').reverse()));
  }

  /** The commit a target revision means now. */
  async resolve({ repoURL, targetRevision = 'HEAD' }, refs) {
    if (COMMIT.test(targetRevision)) return targetRevision;
    const known = refs ?? await this.refs(repoURL);
    const commit = [`refs/tags/${targetRevision}^{}`, `refs/tags/${targetRevision}`, `refs/heads/${targetRevision}`, targetRevision].map((ref) => known.get(ref)).find(Boolean);
    if (!commit) throw new Error(`unable to resolve '${targetRevision}' to a commit SHA`);
    return commit;
  }

  /** The objects of an Application's sources at these commits, and the type of each source. */
  async objects(app, sources, revisions) {
    const key = JSON.stringify([app.metadata.name, app.spec.destination.namespace, sources, revisions]);
    if (!this.rendered.has(key)) {
      if (this.rendered.size > 200) this.rendered.clear();
      this.rendered.set(key, await this.render(app, sources, revisions));
    }
    return structuredClone(this.rendered.get(key));
  }

  async render(app, sources, revisions) {
    const folders = await Promise.all(sources.map((source, index) => this.checkout(source.repoURL, revisions[index])));
    const references = new Map(sources.map((source, index) => [source.ref, folders[index]]).filter(([ref]) => ref));
    const objects = [];
    const types = [];
    for (const [index, source] of sources.entries()) {
      if (source.ref && !source.path) continue;
      const folder = path.join(folders[index], source.path ?? '.');
      if (!existsSync(folder)) throw new Error(`${source.path}: app path does not exist`);
      const chart = existsSync(path.join(folder, 'Chart.yaml'));
      types.push(chart ? 'Helm' : 'Directory');
      objects.push(...(chart ? await this.chart(app, source, folder, references) : plain(folder, source.directory?.recurse ?? false)));
    }
    return { objects, types };
  }

  async chart(app, source, folder, references) {
    const helm = source.helm ?? {};
    const args = ['template', helm.releaseName ?? app.metadata.name, folder, '--namespace', helm.namespace ?? app.spec.destination.namespace ?? 'default', '--kube-version', this.kubeVersion];
    if (!helm.skipCrds) args.push('--include-crds');
    for (const file of helm.valueFiles ?? []) {
      const at = valueFile(file, folder, references);
      if (helm.ignoreMissingValueFiles && !existsSync(at)) continue;
      args.push('--values', at);
    }
    const values = helm.valuesObject ? yaml.stringify(helm.valuesObject) : helm.values;
    if (values) {
      const at = path.join(this.folder, `values-${createHash('sha256').update(values).digest('hex').slice(0, 16)}.yaml`);
      writeFileSync(at, values);
      args.push('--values', at);
    }
    for (const { name, value, forceString } of helm.parameters ?? []) args.push(forceString ? '--set-string' : '--set', `${name}=${value}`);
    const home = path.join(this.folder, 'helm');
    const { stdout } = await run(find('helm'), args, { ...LIMIT, env: { ...process.env, HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home } })
      .catch((error) => { throw new Error(`failed to render the chart: ${error.stderr || error.message}`); });
    return objectsOf(stdout);
  }

  /** The folder that has a commit's files. */
  checkout(url, commit) {
    const target = path.join(this.folder, 'trees', commit);
    if (!this.pending.has(target)) {
      this.pending.set(target, this.unpack(url, commit, target).catch((error) => {
        this.pending.delete(target);
        throw error;
      }));
    }
    return this.pending.get(target);
  }

  async unpack(url, commit, target) {
    const mirror = path.join(this.folder, 'mirrors', createHash('sha256').update(url).digest('hex').slice(0, 16));
    // One at a time for a repository, as Git locks what it fetches into.
    const before = this.pending.get(mirror) ?? Promise.resolve();
    const fetched = before.catch(() => undefined).then(() => this.git(url, existsSync(mirror) ? ['-C', mirror, 'fetch', '--quiet', '--prune', '--tags', '--force', url, '+refs/heads/*:refs/heads/*'] : ['clone', '--quiet', '--bare', url, mirror]));
    this.pending.set(mirror, fetched);
    await fetched;
    mkdirSync(target, { recursive: true });
    await run('git', ['-C', mirror, 'archive', '--format=tar', `--output=${target}.tar`, commit], LIMIT);
    await run('tar', ['-xf', `${target}.tar`, '-C', target], LIMIT);
    return target;
  }

  async git(url, args) {
    const login = this.credentials(url);
    const header = login && `Authorization: Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
    const env = {
      ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null',
      ...(header && { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'http.extraHeader', GIT_CONFIG_VALUE_0: header }),
    };
    const { stdout } = await run('git', args, { ...LIMIT, env }).catch((error) => { throw new Error(`failed to read ${url}: ${error.stderr || error.message}`); });
    return stdout;
  }
}

/** `$ref/file` is in another source's repository; anything else beside the chart, and not outside of its repository. */
function valueFile(file, folder, references) {
  const found = /^\$([^/]+)\/(.*)$/.exec(file);
  if (!found) return path.join(folder, file);
  const root = references.get(found[1]);
  if (!root) throw new Error(`source referenced "${found[1]}", but no source has a 'ref' field defined`);
  return path.join(root, found[2]);
}

function plain(folder, recurse) {
  return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return recurse ? plain(file, recurse) : [];
    return /\.(ya?ml|json)$/.test(entry.name) ? objectsOf(readFileSync(file, 'utf8')) : [];
  });
}
