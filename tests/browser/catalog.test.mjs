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
