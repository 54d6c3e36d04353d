// Search in a browser: the palette by keyboard alone, the page with and without JavaScript, on a desktop and on a phone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessibilityViolations, openContext, phone, picture, stage } from './portal.mjs';
import { enter } from './story.mjs';

const shared = stage();

/** A page of somebody who has signed in. */
async function visit(options = {}) {
  const context = await openContext(shared, options);
  const page = await context.newPage();
  await enter(page);
  return { context, page };
}

/** Waits until the palette shows what was typed last. */
const settled = (page, text) => page.waitForFunction(
  (wanted) => document.querySelector('.palette .hit')?.textContent.toLowerCase().includes(wanted), text);

test('the palette is opened, searched and followed by keyboard alone', async () => {
  const { context, page } = await visit();
  await page.locator('html[data-enlivened]').waitFor();
  await page.keyboard.press('/');
  const field = page.getByRole('combobox', { name: 'Search everything' });
  await field.waitFor();
  assert.equal(await field.evaluate((input) => input === document.activeElement), true);
  // Nothing typed: the pages of the portal.
  assert.ok(await page.getByRole('option', { name: /Catalog/ }).count() > 0);
  await page.keyboard.type('paymnt gate');
  await settled(page, 'payment');
  const first = page.locator('.palette [role="option"]').first();
  assert.match(await first.textContent(), /payment.gateway/i);
  assert.equal(await first.getAttribute('aria-selected'), 'true');
  assert.equal(await field.getAttribute('aria-activedescendant'), await first.getAttribute('id'));
  assert.deepEqual(await accessibilityViolations(page), []);
  await picture(page, 'search-palette');
  await page.keyboard.press('ArrowDown');
  assert.equal(await first.getAttribute('aria-selected'), 'false');
  await page.keyboard.press('ArrowUp');
  // Tab narrows to a sort, Shift-Tab goes back.
  await page.keyboard.press('Tab');
  assert.equal(await page.getByRole('tab', { name: 'Catalog', exact: true }).getAttribute('aria-selected'), 'true');
  await page.keyboard.press('Shift+Tab');
  await settled(page, 'payment');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/catalog\/default\/[^/]+\/payment/);
  // What was looked at comes first the next time.
  await page.locator('html[data-enlivened]').waitFor();
  await page.goto('/');
  await page.locator('html[data-enlivened]').waitFor();
  await page.keyboard.press('Control+k');
  await page.getByText('Looked at last').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('dialog.palette[open]').waitFor({ state: 'detached' }).catch(() => {});
  assert.equal(await page.locator('dialog.palette').evaluate((dialog) => dialog.open), false);
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('what is asked late is not shown over what was asked after it', async () => {
  const { context, page } = await visit();
  await page.locator('html[data-enlivened]').waitFor();
  let held;
  await page.route('**/search/quick?q=check&**', async (route) => {
    held = route;
    // Answered only after the next question is.
    await page.waitForTimeout(0);
  });
  await page.keyboard.press('/');
  await page.getByRole('combobox', { name: 'Search everything' }).waitFor();
  await page.keyboard.type('check');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('ledger');
  await settled(page, 'ledger');
  await held?.continue().catch(() => {});
  await settled(page, 'ledger');
  await context.close();
});

for (const [name, options] of [
  ['desktop', {}],
  ['dark', { colorScheme: 'dark' }],
  ['phone', { viewport: phone }],
  ['without JavaScript', { javaScriptEnabled: false }],
]) {
  test(`the page finds, narrows and leads on: ${name}`, async () => {
    const { context, page } = await visit(options);
    await page.goto('/search');
    await page.getByRole('searchbox', { name: 'Search everything' }).fill('checkout');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=checkout/);
    const results = page.getByRole('list', { name: 'Results' }).getByRole('listitem');
    assert.ok(await results.count() > 2);
    assert.match(await results.first().textContent(), /checkout/i);
    assert.ok(await page.locator('.found mark').count() > 0);
    if (options.javaScriptEnabled !== false) assert.deepEqual(await accessibilityViolations(page), []);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
    assert.ok(wide, 'nothing is wider than the window');
    await picture(page, `search-${name.replaceAll(' ', '-')}`);
    await page.getByRole('link', { name: /^APIs/ }).click();
    await page.waitForURL(/type=api/);
    await page.goto('/search?q=zzzzqqqq');
    await page.getByText('Nothing fits').waitFor();
    assert.deepEqual(context.offences, []);
    await context.close();
  });
}
