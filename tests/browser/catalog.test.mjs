// The catalog as people use it every day: starring, cards, keys, handing over, and pages that follow.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessibilityViolations, openContext, picture, stage } from './portal.mjs';
import { enter } from './story.mjs';

const shared = stage();
const service = '/catalog/default/component/checkout-service';

async function opened(address, options = {}) {
  const context = await openContext(shared, options);
  const page = await context.newPage();
  await enter(page);
  await open(page, address);
  return { context, page };
}

async function open(page, address) {
  await page.goto(address);
  await page.locator('html[data-enlivened]').waitFor();
}

test('what is starred is at hand on the start page', async () => {
  const { context, page } = await opened(service);
  await page.getByRole('button', { name: 'Star', exact: true }).click();
  await page.getByRole('button', { name: 'Starred', pressed: true }).waitFor();
  await open(page, '/');
  await page.getByRole('region', { name: 'Starred' }).getByRole('link', { name: 'Checkout service' }).click();
  await page.getByRole('button', { name: 'Starred' }).click();
  await page.getByRole('button', { name: 'Star', exact: true }).waitFor();
  await open(page, '/');
  await page.getByRole('region', { name: 'Recently viewed' }).getByRole('link', { name: 'Checkout service' }).waitFor();
  assert.equal(await page.getByRole('region', { name: 'Starred' }).count(), 0);
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('a reference shows its card to the mouse and to the keyboard', async () => {
  const { context, page } = await opened(service);
  const link = page.getByRole('main').getByRole('link', { name: 'Checkout API' }).first();
  const card = page.getByRole('tooltip');
  await link.hover();
  await card.getByText('Placing an order is idempotent').waitFor();
  assert.deepEqual(await accessibilityViolations(page), []);
  await picture(page, 'hover-card');
  await page.mouse.move(0, 0);
  await card.waitFor({ state: 'hidden' });
  await link.focus();
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Tab');
  await card.waitFor();
  await page.keyboard.press('Escape');
  await card.waitFor({ state: 'hidden' });
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('a list is walked and chosen from by keyboard', async () => {
  const { context, page } = await opened('/catalog');
  await page.keyboard.press('j');
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.evaluate(() => document.activeElement.textContent.trim()), 'Checkout service');
  await page.keyboard.press('x');
  await page.getByRole('checkbox', { name: 'Choose Checkout service', checked: true }).waitFor();
  await page.getByRole('button', { name: 'Star', exact: true }).click();
  await page.getByRole('row', { name: /Checkout service/ }).getByText('starred').waitFor();
  await page.getByRole('checkbox', { name: 'Choose all on this page' }).check();
  await page.getByRole('button', { name: 'Remove star' }).click();
  await page.getByRole('row', { name: /Checkout service/ }).getByText('starred').waitFor({ state: 'detached' });
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('filters and tabs are followed without leaving the document, and as well as by leaving it', async () => {
  const { context, page } = await opened('/catalog');
  const stays = async () => page.evaluate(() => window.sameDocument === true);
  const names = async () => page.locator('.table__name').allTextContents();
  await page.evaluate(() => { window.sameDocument = true; });
  const all = await names();
  await page.getByRole('main').getByRole('link', { name: /^service \d+$/ }).click();
  await page.waitForURL(/type=service/);
  assert.ok(await stays());
  const services = await names();
  assert.ok(services.length > 0 && services.length < all.length, `${services.length} of ${all.length}`);
  assert.match(await page.evaluate(() => document.activeElement.textContent), /^service\s*\d+$/);
  assert.deepEqual(await accessibilityViolations(page), []);
  // Rows are walked by keyboard as before.
  await page.keyboard.press('j');
  assert.equal(await page.evaluate(() => document.activeElement.closest('tr') !== null), true);
  await page.getByRole('columnheader').getByRole('link').first().click();
  await page.waitForURL(/sort=/);
  assert.ok(await stays());
  await page.goBack();
  await page.goBack();
  await page.waitForURL((url) => url.search === '');
  await page.waitForFunction((count) => document.querySelectorAll('.table__name').length === count, all.length);
  assert.ok(await stays());
  const [other] = await Promise.all([context.waitForEvent('page'), page.getByRole('main').getByRole('link', { name: /^service \d+$/ }).click({ modifiers: ['Control'] })]);
  await other.waitForURL(/type=service/);
  await other.close();

  await open(page, service);
  await page.evaluate(() => { window.sameDocument = true; });
  const tab = (name) => page.getByRole('main').getByRole('navigation').getByRole('link', { name, exact: true });
  // A page is fetched when a click is likely.
  const fetched = page.waitForResponse(/\/dependencies$/);
  await tab('Dependencies').hover();
  await fetched;
  assert.equal(new URL(page.url()).pathname, service);
  await tab('Dependencies').click();
  await page.waitForURL(/\/dependencies$/);
  assert.ok(await stays());
  await page.locator('#content a.ref').first().hover();
  await page.getByRole('tooltip').waitFor();
  await tab('History').click();
  await page.waitForURL(/\/history$/);
  await page.locator('#content a.ref').first().hover();
  await page.getByRole('tooltip').waitFor();
  // Another release has other scripts: the browser takes the whole page.
  await page.evaluate(() => document.querySelector('head script').setAttribute('src', '/assets/older/js/portal.js'));
  await tab('Overview').click();
  await page.waitForURL((url) => url.pathname === service);
  await page.waitForFunction(() => window.sameDocument === undefined);
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('a hand-over is proposed, merged, and seen by a page that was open all the time', async () => {
  const { context, page } = await opened(service);
  const watching = await context.newPage();
  await open(watching, '/catalog/default/component/feature-flags');
  await open(page, '/catalog/default/component/feature-flags/owner');
  await page.getByLabel('New owner').fill('group:default/payments');
  await page.getByLabel('Why').fill('They use it most.');
  await page.getByRole('button', { name: 'Look what would change' }).click();
  await page.getByText('owner: payments').waitFor();
  await page.getByRole('button', { name: 'Open the pull request' }).click();
  await page.getByText('They use it most.').waitFor();
  await page.getByRole('button', { name: /Merge/ }).first().click();
  await watching.getByRole('main').locator('dl').getByRole('link', { name: 'Payments' }).waitFor();
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('a token is shown once', async () => {
  const { context, page } = await opened('/settings');
  await page.getByLabel('What is it for?').fill('nightly report');
  await page.getByRole('button', { name: 'Make a token' }).click();
  const token = await page.getByLabel('token', { exact: true }).textContent();
  assert.match(token, /^grn_[0-9a-f]{64}$/);
  const answer = await fetch(`${shared.portal.url}/api/catalog/entities?limit=1`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200);
  await open(page, '/settings');
  assert.ok(!(await page.content()).includes(token));
  await page.getByRole('button', { name: 'Revoke nightly report' }).click();
  await page.getByText('nightly report').waitFor({ state: 'detached' });
  await page.getByRole('radio', { name: 'Dark' }).check();
  await page.getByRole('button', { name: 'Use it' }).click();
  await page.locator('html[data-theme="dark"]').waitFor();
  assert.deepEqual(context.offences, []);
  await context.close();
});
