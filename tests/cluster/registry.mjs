// An OCI registry on loopback that asks for a name and a password: the distribution project's own program, with its files in
// a temporary folder. `push` puts a small image there, for tests that read tags, digests and sizes.
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { load } from '../portal.mjs';
import { Program, findRegistry, freePorts } from './programs.mjs';

const bcrypt = load('bcryptjs');
const yaml = load('yaml');
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const START_SECONDS = 30;
const REQUEST_TIMEOUT = 10_000;

/** Starts one for these people, names to passwords; answers once it answers. */
export async function startRegistry({ users = { ci: 'push-secret' } } = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), 'registry-'));
  const [port] = await freePorts(1);
  const passwords = path.join(folder, 'htpasswd');
  // The cheapest cost there is: these passwords protect nothing, and every request is checked against one.
  writeFileSync(passwords, Object.entries(users).map(([name, password]) => `${name}:${bcrypt.hashSync(password, 4).replace(/^\$2b/, '$2y')}\n`).join(''));
  const config = path.join(folder, 'config.yml');
  mkdirSync(path.join(folder, 'data'));
  writeFileSync(config, yaml.stringify({
    version: '0.1', log: { level: 'warn' }, http: { addr: `127.0.0.1:${port}`, secret: randomBytes(16).toString('hex') },
    storage: { filesystem: { rootdirectory: path.join(folder, 'data') }, delete: { enabled: true } },
    auth: { htpasswd: { realm: 'registry', path: passwords } },
  }));
  const program = new Program('registry', ['serve', config], { folder, file: findRegistry() }).start();
  const registry = new Registry(program, { folder, port, users });
  await registry.ready();
  return registry;
}

class Registry {
  constructor(program, { folder, port, users }) {
    Object.assign(this, { program, folder, users, host: `127.0.0.1:${port}`, url: `http://127.0.0.1:${port}` });
    this.tidy = () => {
      program.kill();
      this.forget();
    };
    process.once('exit', this.tidy);
  }

  async ready() {
    const late = Date.now() + START_SECONDS * 1000;
    for (;;) {
      const answer = await fetch(`${this.url}/v2/`, { signal: AbortSignal.timeout(REQUEST_TIMEOUT) }).catch((error) => error);
      if (answer.status === 401) return;
      this.program.check();
      if (Date.now() > late) throw new Error(`the registry is not ready after ${START_SECONDS} s: ${answer.message ?? answer.status}`);
      await after(50);
    }
  }

  /** A request as one of the people, the first where none is named; an answer of 400 and above is thrown. */
  async request(method, where, { body, headers = {}, user = Object.keys(this.users)[0] } = {}) {
    const authorization = `Basic ${Buffer.from(`${user}:${this.users[user]}`).toString('base64')}`;
    const answer = await fetch(new URL(where, this.url), { method, body, headers: { authorization, ...headers }, signal: AbortSignal.timeout(REQUEST_TIMEOUT) });
    if (!answer.ok) throw new Error(`${method} ${where}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  /** Pushes an image of one layer under tags; answers `{digest, size}` of its manifest. */
  async push(repository, tags, { layer = randomBytes(64), labels = {}, mediaType = MANIFEST } = {}) {
    const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', created: new Date().toISOString(), config: { Labels: labels }, rootfs: { type: 'layers', diff_ids: [digestOf(layer)] } }));
    for (const blob of [config, layer]) await this.upload(repository, blob);
    const part = (type, blob) => ({ mediaType: type, digest: digestOf(blob), size: blob.length });
    const manifest = JSON.stringify({
      schemaVersion: 2, mediaType, config: part('application/vnd.oci.image.config.v1+json', config),
      layers: [part('application/vnd.oci.image.layer.v1.tar+gzip', layer)],
    });
    for (const tag of [tags].flat()) await this.request('PUT', `/v2/${repository}/manifests/${tag}`, { body: manifest, headers: { 'content-type': mediaType } });
    return { digest: digestOf(manifest), size: manifest.length };
  }

  async upload(repository, blob) {
    const begun = await this.request('POST', `/v2/${repository}/blobs/uploads/`);
    const where = new URL(begun.headers.get('location'), this.url);
    where.searchParams.set('digest', digestOf(blob));
    await this.request('PUT', where.href, { body: blob, headers: { 'content-type': 'application/octet-stream' } });
  }

  async tags(repository) {
    const { tags } = await (await this.request('GET', `/v2/${repository}/tags/list`)).json();
    return tags;
  }

  async stop() {
    process.removeListener('exit', this.tidy);
    await this.program.kill();
    this.forget();
  }

  forget() { rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 }); }
}

function digestOf(content) { return `sha256:${createHash('sha256').update(content).digest('hex')}`; }
