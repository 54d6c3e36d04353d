// What somebody sees and waits for in a browser: first and largest paint, layout shift, bytes of a first and of a next view;
// and how long it takes from a click until what is behind it is painted.
// Usage: node benches/paint.mjs http://localhost:7007 (a running release build), with the packages of .ci/setup test.
import { load } from '../tests/portal.mjs';

const { chromium } = load('playwright-core');
const base = process.argv[2] ?? 'http://localhost:7007';
const ROUNDS = 5;
// Milliseconds between arriving at a link and pressing.
const REST = 150;
const pages = [
  '/', '/catalog', '/catalog/default/component/checkout-service', '/catalog/default/component/checkout-service/dependencies',
  '/catalog/default/api/checkout-api/api', '/catalog-graph?root=component:default/checkout-service', '/organisation', '/search?q=checkout',
  '/docs', '/docs/default/component/greenroom/configuration/', '/create', '/delivery', '/status',
];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--headless', '--disable-gpu', '--disable-background-networking'],
});

/** Opens a page and tells how it was painted. */
async function measured(page, address) {
  await page.goto(base + address, { waitUntil: 'networkidle' });
  return page.evaluate(() => {
    const seen = (type) => new Promise((resolve) => {
      new PerformanceObserver((list, observer) => { observer.disconnect(); resolve(list.getEntries()); }).observe({ type, buffered: true });
      setTimeout(() => resolve([]), 200);
    });
    return Promise.all([seen('largest-contentful-paint'), seen('layout-shift')]).then(([largest, shifts]) => {
      const [navigation] = performance.getEntriesByType('navigation');
      const first = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN;
      const bytes = [navigation, ...performance.getEntriesByType('resource')].reduce((sum, one) => sum + (one.transferSize ?? 0), 0);
      return {
        server: navigation.responseEnd - navigation.requestStart, first, largest: largest.at(-1)?.startTime ?? first, bytes,
        shift: shifts.filter((one) => !one.hadRecentInput).reduce((sum, one) => sum + one.value, 0),
      };
    });
  });
}

const interactions = [
  ['a filter of the list', '/catalog', 'a[href*="type=service"]'],
  ['another order of the list', '/catalog', 'thead a'],
  ['a tab of an entity', '/catalog/default/component/checkout-service', 'a[href$="/dependencies"]'],
  ['a page of the menu', '/', '.side a[href="/docs"]'],
];

/** Opens a session of its own, as a guest. */
async function entered() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(`${base}/sign-in`);
  await Promise.all([page.waitForURL((url) => url.pathname === '/'), page.locator('form[action="/sign-in/guest"] button').click()]);
  return { context, page };
}

/** Notes in `asked` when an event happens next, and in `window.exchanged` how long after it a frame shows what it changed in `place`. */
async function watch(page, event, place) {
  await page.evaluate(([kind, within]) => addEventListener(kind, (happened) => {
    sessionStorage.setItem('asked', performance.timeOrigin + happened.timeStamp);
    new MutationObserver((_, observer) => {
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => { window.exchanged = performance.now() - happened.timeStamp; }));
    }).observe(document.querySelector(within), { childList: true });
  }, { capture: true, once: true }), [event, place]);
}

/** Milliseconds from a click on a link until what is behind it is painted, in this document or in another. */
async function followed(page, address, link, how) {
  await page.goto(base + address, { waitUntil: 'networkidle' });
  await page.locator('html[data-enlivened]').waitFor();
  await watch(page, 'click', '#content');
  const here = page.url();
  const target = page.locator(link).first();
  // A hand takes longer from arriving to pressing.
  if (how === 'keyboard') {
    await target.focus();
    await page.waitForTimeout(REST);
    await Promise.all([page.waitForURL((url) => url.href !== here), page.keyboard.press('Enter')]);
  } else {
    await target.hover();
    await page.waitForTimeout(REST);
    await Promise.all([page.waitForURL((url) => url.href !== here), page.mouse.down().then(() => page.mouse.up())]);
  }
  const painted = await page.waitForFunction(() => {
    const first = performance.getEntriesByName('first-contentful-paint')[0];
    const opened = first && performance.timeOrigin + first.startTime - Number(sessionStorage.getItem('asked'));
    return window.exchanged ?? (opened > 0 ? opened : undefined);
  });
  return painted.jsonValue();
}

/** Milliseconds from a letter typed into the search until what it finds is painted. */
async function typed(page, letter) {
  await watch(page, 'input', '.palette__list');
  await page.keyboard.press(letter);
  const painted = await page.waitForFunction(() => window.exchanged);
  const time = await painted.jsonValue();
  await page.evaluate(() => { window.exchanged = undefined; });
  return time;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
process.stdout.write('| page | answer, ms | first paint, ms | largest paint, ms | layout shift | first view, kB | next view, kB |\n| --- | --- | --- | --- | --- | --- | --- |\n');
for (const address of pages) {
  const cold = [];
  const warm = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { context, page } = await entered();
    // The sign-in page brought the stylesheet along: a first view has nothing of it.
    const client = await context.newCDPSession(page);
    await client.send('Network.clearBrowserCache');
    cold.push(await measured(page, address));
    warm.push(await measured(page, address));
    await context.close();
  }
  const of = (rounds, key) => median(rounds.map((round) => round[key]));
  const figures = [of(warm, 'server'), of(warm, 'first'), of(warm, 'largest')].map((one) => one.toFixed(0));
  const shift = Math.max(...cold.map((one) => one.shift), ...warm.map((one) => one.shift)).toFixed(3);
  const sizes = [of(cold, 'bytes'), of(warm, 'bytes')].map((one) => (one / 1000).toFixed(1));
  process.stdout.write(`| \`${address}\` | ${[...figures, shift, ...sizes].join(' | ')} |\n`);
}
const { page } = await entered();
process.stdout.write('\n| interaction | by pointer, ms | worst, ms | by keyboard, ms | worst, ms |\n| --- | --- | --- | --- | --- |\n');
const told = (times) => `${median(times).toFixed(0)} | ${Math.max(...times).toFixed(0)}`;
for (const [what, address, link] of interactions) {
  const ways = [];
  for (const how of ['pointer', 'keyboard']) {
    const times = [];
    for (let round = 0; round < 2 * ROUNDS; round += 1) times.push(await followed(page, address, link, how));
    ways.push(told(times));
  }
  process.stdout.write(`| ${what} | ${ways.join(' | ')} |\n`);
}
await page.goto(base, { waitUntil: 'networkidle' });
await page.locator('html[data-enlivened]').waitFor();
await page.keyboard.press('/');
await page.locator('.palette__list').waitFor();
const times = [];
for (const letter of 'checkout service') times.push(await typed(page, letter === ' ' ? 'Space' : letter));
process.stdout.write(`| a letter of a search | – | – | ${told(times)} |\n`);
await browser.close();
