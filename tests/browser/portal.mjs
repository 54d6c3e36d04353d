// A headless Chromium to look at a portal with.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, before } from 'node:test';
import { load, root, startPortal } from '../portal.mjs';

export { root };

const { chromium } = load('playwright-core');
const { AxeBuilder } = load('@axe-core/playwright');

/** Sizes every page is looked at in. */
export const desktop = { width: 1280, height: 800 };
export const phone = { width: 390, height: 844 };

/**
 * What the tests of a file share: `portal` and `browser` are there from the first test until after the last. `prepare` may
 * start what the portal needs, and gives its options.
 */
export function stage(prepare = async () => ({})) {
  const shared = {};
  before(async () => {
    const options = await prepare();
    [shared.portal, shared.browser] = await Promise.all([startPortal(options), startBrowser()]);
  });
  after(async () => {
    const { portal, browser } = shared;
    await browser?.close();
    const { code } = await portal.stop();
    portal.forget();
    assert.equal(code, 0, `the portal did not stop cleanly:\n${portal.log.join('')}`);
  });
  return shared;
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
export async function openContext({ browser, portal }, options = {}) {
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
