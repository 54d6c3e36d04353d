// The programs a cluster is made of: where they are, and one of them running.
import { spawn } from 'node:child_process';
import { accessSync, constants, createWriteStream, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { root } from '../portal.mjs';

/** The file of a program: in `KUBEBUILDER_ASSETS` where that has it, else as `.ci/setup test` built it. */
export function find(name) {
  return first([name], [process.env.KUBEBUILDER_ASSETS, path.join(root, 'build/cluster/bin')]);
}

/** The program of the distribution project, which Debian calls docker-registry. */
export function findRegistry() {
  return first(['docker-registry', 'registry'], [...(process.env.PATH ?? '').split(path.delimiter), path.join(root, 'build/registry/usr/bin')]);
}

function first(names, folders) {
  for (const folder of folders.filter(Boolean)) {
    for (const name of names) {
      const file = path.join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // The next may be there.
      }
    }
  }
  throw new Error(`${names.join(' or ')} is in none of ${folders.filter(Boolean).join(', ')}; run .ci/setup test, which puts it there`);
}

/**
 * Loopback ports that nothing listens on. They are below those the kernel gives to outgoing connections, so that a server
 * which is killed finds its port free when it is started again.
 */
export async function freePorts(count) {
  const ports = new Set();
  while (ports.size < count) {
    const port = 20000 + Math.floor(Math.random() * 12000);
    if (await free(port)) ports.add(port);
  }
  return [...ports];
}

function free(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** One program that can be started, ended, killed and started again with the same arguments. Its output goes to a file. */
export class Program {
  constructor(name, args, { folder, env = {}, file }) {
    this.name = name;
    this.args = args;
    this.env = env;
    this.file = file ?? find(name);
    this.logFile = path.join(folder, `${name}.log`);
    this.exited = Promise.resolve();
    this.running = false;
  }

  start() {
    const log = createWriteStream(this.logFile, { flags: 'a' });
    const child = spawn(this.file, this.args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...this.env, PLANE_DIES_WITH_PARENT: '1' } });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.child = child;
    this.running = true;
    this.wanted = true;
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => log.end(`${error.message}\n`));
      child.once('close', (code, signal) => {
        this.running = false;
        log.end();
        resolve({ code, signal });
      });
    });
    return this;
  }

  get pid() { return this.running ? this.child.pid : undefined; }

  log() {
    try { return readFileSync(this.logFile, 'utf8'); } catch { return ''; }
  }

  /** Fails, with the end of its output, once it is not running any more. */
  check() {
    if (!this.running) throw new Error(`${this.name} has ended:\n${this.log().split('\n').slice(-25).join('\n')}`);
  }

  /** Ends it as the kernel does, without a chance to tidy up. */
  kill() {
    this.child?.kill('SIGKILL');
    return this.exited;
  }

  /** Ends it properly; what does not end within ten seconds is killed. */
  async stop() {
    if (!this.running) return;
    this.child.kill('SIGTERM');
    const late = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    await this.exited;
    clearTimeout(late);
  }
}
