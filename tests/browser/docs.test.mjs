// Documentation: reading it on a desk, on a phone, by keyboard, and without JavaScript.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessibilityViolations, openContext, phone, picture, stage } from './portal.mjs';
import { enter } from './story.mjs';

const shared = stage();
const site = '/docs/default/component/checkout-service/';

async function open(address, options = {}) {
  const context = await openContext(shared, options);
  const page = await context.newPage();
  await enter(page);
  await page.goto(address);
  if (options.javaScriptEnabled !== false) await page.locator('html[data-enlivened]').waitFor({ state: 'attached' });
  return { context, page };
}

async function isFine(page, name) {
  assert.deepEqual(await accessibilityViolations(page), [], name);
  const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= window, `${name} is ${wide} wide in a window of ${window}`);
  const twice = await page.evaluate(() => {
    const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
    return ids.filter((id, at) => ids.indexOf(id) !== at);
  });
  assert.deepEqual(twice, [], `${name}: ids that are there twice`);
  await picture(page, name);
}

for (const colorScheme of ['light', 'dark']) {
  test(`documentation is read on a desk, ${colorScheme}`, async () => {
    const { context, page } = await open('/docs', { colorScheme });
    await isFine(page, `docs-list-${colorScheme}`);
    await page.getByRole('link', { name: 'Checkout service', exact: true }).first().click();
    await page.waitForURL(`**${site}`);
    await isFine(page, `docs-first-${colorScheme}`);
    await page.getByRole('link', { name: /^Next/ }).click();
    await isFine(page, `docs-page-${colorScheme}`);
    await page.goto('/docs/default/component/greenroom/architecture/');
    await isFine(page, `docs-own-${colorScheme}`);
    assert.deepEqual(context.offences, []);
    await context.close();
  });
}

test('documentation is read on a phone', async () => {
  const { context, page } = await open('/docs', { viewport: phone });
  await isFine(page, 'docs-list-phone');
  await page.goto(site);
  await isFine(page, 'docs-first-phone');
  await page.getByRole('button', { name: 'Pages' }).click();
  await picture(page, 'docs-pages-phone');
  await page.getByRole('navigation', { name: /^Pages of/ }).getByRole('link').nth(1).click();
  await isFine(page, 'docs-page-phone');
  await page.setViewportSize({ width: 320, height: 700 });
  await isFine(page, 'docs-page-narrow');
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('words are found within the pages, without JavaScript', async () => {
  const { context, page } = await open(site, { javaScriptEnabled: false });
  await page.getByRole('searchbox', { name: 'Search these pages' }).fill('outbox');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: '“outbox”' }).waitFor();
  assert.ok(await page.locator('.docs-hit mark').count() > 0);
  await picture(page, 'docs-search');
  await page.locator('.docs-hit__link').first().click();
  await page.getByRole('article').waitFor();
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('a page is gone through by keyboard', async () => {
  const { context, page } = await open('/docs/default/component/greenroom/techdocs/');
  // Tabs are buttons of one group: an arrow chooses the next one.
  const first = page.locator('.tabbed-set > input').first();
  await first.focus();
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.locator('.tabbed-content').first().locator('.tabbed-block').nth(1).isVisible(), true);
  assert.equal(await page.locator('.tabbed-content').first().locator('.tabbed-block').nth(0).isVisible(), false);
  await isFine(page, 'docs-constructs');
  const heading = page.locator('.docs__toc a').nth(1);
  await heading.focus();
  await page.keyboard.press('Enter');
  assert.match(page.url(), /#/);
  assert.deepEqual(context.offences, []);
  await context.close();
});
