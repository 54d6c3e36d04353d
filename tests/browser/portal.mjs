// Starts a portal of its own on a free port with a fresh data folder, and a headless Chromium to look at it with.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const modules = process.env.GREENROOM_NODE_MODULES ?? path.join(root, 'build/node/node_modules');
const require = createRequire(path.join(modules, 'index.js'));
const { chromium } = require('playwright-core');
const { AxeBuilder } = require('@axe-core/playwright');

const binary = process.env.GREENROOM ?? path.join(root, 'target/debug/greenroom');

/** Sizes every page is looked at in. */
export const desktop = { width: 1280, height: 800 };
export const phone = { width: 390, height: 844 };

/** A running portal. `stop` ends it as Ctrl-C does and waits; `kill` as the kernel does. */
export async function startPortal({ dataDir, config, args = [] } = {}) {
  const folder = dataDir ?? mkdtempSync(path.join(tmpdir(), 'greenroom-browser-'));
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

/** Chromium with a fresh profile that reaches nothing but loopback. */
export async function startBrowser() {
  const executablePath = process.env.CHROMIUM
    ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

/** A browser context that records what a page must never do: fail in script, or ask another host. */
export async function openContext(browser, portal, options = {}) {
  const context = await browser.newContext({ viewport: desktop, baseURL: portal.url, ...options });
  const offences = [];
  context.on('request', (request) => {
    if (new URL(request.url()).origin !== portal.url && !request.url().startsWith('data:')) {
      offences.push(`request to another host: ${request.url()}`);
    }
  });
  context.on('weberror', (error) => offences.push(`script error: ${error.error()}`));
  context.on('console', (message) => {
    if (message.type() === 'error') offences.push(`console: ${message.text()} (${message.location().url})`);
  });
  context.offences = offences;
  return context;
}

/** Violations that axe finds on the page, one line each. */
export async function accessibilityViolations(page) {
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']).analyze();
  return violations.flatMap((violation) => violation.nodes.map((node) => `${violation.id}: ${node.target.join(' ')} (${violation.help})`));
}

/** Keeps a picture in build/screenshots for people to look at. */
export async function picture(page, name) {
  const folder = path.join(root, 'build/screenshots');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: false });
}
