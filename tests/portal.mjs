// Starts a portal of its own on a free port with a fresh data folder.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
/** Where the packages are. */
export const modules = process.env.GREENROOM_NODE_MODULES ?? path.join(root, 'build/node/node_modules');

/** Loads a package that .ci/setup installed. */
export const load = createRequire(path.join(modules, 'index.js'));

const binary = process.env.GREENROOM ?? path.join(root, 'target/debug/greenroom');

/** A running portal. `stop` ends it as Ctrl-C does and waits; `kill` as the kernel does. */
export async function startPortal({ dataDir, config, args = [] } = {}) {
  const folder = dataDir ?? mkdtempSync(path.join(tmpdir(), 'greenroom-test-'));
  const options = ['serve', '--port', '0', '--data-dir', folder, ...args];
  if (config) {
    const file = path.join(folder, 'app-config.test.yaml');
    writeFileSync(file, config);
    options.push('--config', file);
  }
  const child = spawn(binary, options, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const log = [];
  child.stderr.on('data', (chunk) => log.push(chunk.toString()));
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  const url = await Promise.race([
    readUrl(child.stdout, log),
    exited.then(({ code }) => { throw new Error(`the portal ended with code ${code}:\n${log.join('')}`); }),
  ]);
  return {
    url,
    dataDir: folder,
    log,
    async stop() {
      child.kill('SIGINT');
      return exited;
    },
    async kill() {
      child.kill('SIGKILL');
      return exited;
    },
    forget() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function readUrl(stream, log) {
  for await (const line of createInterface({ input: stream })) {
    log.push(`${line}\n`);
    const found = /(https?:\/\/\S+:\d+)/.exec(line);
    if (found) {
      // The pipe must be emptied for as long as the portal runs.
      stream.resume();
      return found[1];
    }
  }
  throw new Error(`the portal said no address:\n${log.join('')}`);
}
