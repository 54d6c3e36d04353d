// The graph and API definitions: wide and narrow, light and dark, by keyboard, and without JavaScript.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessibilityViolations, desktop, openContext, phone, picture, stage } from './portal.mjs';
import { enter } from './story.mjs';

const shared = stage();

const pages = [
  ['graph', '/catalog-graph?root=system:default/checkout&depth=2'],
  ['graph-start', '/catalog-graph'],
  ['dependencies', '/catalog/default/component/ledger/dependencies'],
  ['system-dependencies', '/catalog/default/system/checkout/dependencies'],
  ['overview', '/catalog/default/component/checkout-service'],
  ['ancestry', '/catalog/default/component/checkout-service/raw'],
  ['openapi', '/catalog/default/api/checkout-api/api'],
  ['openapi-entry', '/catalog/default/api/checkout-api/api?entry=placeOrder'],
  ['openapi-text', '/catalog/default/api/checkout-api/api?view=raw'],
  ['openapi-changes', '/catalog/default/api/checkout-api/api?view=changes'],
  ['asyncapi', '/catalog/default/api/order-events/api'],
  ['graphql', '/catalog/default/api/storefront-graphql/api'],
  ['grpc', '/catalog/default/api/ledger-grpc/api'],
];

const looks = [
  { look: 'desktop', options: { viewport: desktop } },
  { look: 'phone', options: { viewport: phone, isMobile: true, hasTouch: true } },
  { look: 'dark', options: { viewport: desktop, colorScheme: 'dark' } },
  { look: 'no-script', options: { viewport: desktop, javaScriptEnabled: false } },
];

for (const { look, options } of looks) {
  test(`every page is sound: ${look}`, async () => {
    const context = await openContext(shared, options);
    const page = await context.newPage();
    await enter(page);
    const violations = [];
    for (const [name, address] of pages) {
      const answer = await page.goto(address);
      assert.equal(answer.status(), 200, address);
      if (look !== 'no-script') {
        await page.locator('html[data-enlivened]').waitFor({ state: 'attached' });
        violations.push(...(await accessibilityViolations(page)).map((one) => `${address}: ${one}`));
        const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
        assert.ok(wide <= seen, `${look} ${address} is ${wide - seen} pixels too wide`);
      }
      await picture(page, `definition-${name}-${look}`);
    }
    assert.deepEqual(violations, []);
    assert.deepEqual(context.offences, []);
    await context.close();
  });
}

test('the graph is walked by keyboard', async () => {
  const context = await openContext(shared);
  const page = await context.newPage();
  await enter(page);
  await page.goto('/catalog-graph?root=system:default/checkout');
  await page.locator('html[data-enlivened]').waitFor({ state: 'attached' });
  const view = page.locator('[data-graph]');
  await view.focus();
  const width = () => page.locator('svg.graph').boundingBox().then((box) => box.width);
  await page.keyboard.press('0');
  const fitted = await width();
  await page.keyboard.press('+');
  assert.ok(await width() > fitted);
  await page.keyboard.press('-');
  await page.keyboard.press('Tab');
  // The first stop inside is a box; Enter starts the graph there.
  const name = await page.evaluate(() => document.activeElement.textContent);
  assert.ok(await page.evaluate(() => document.activeElement.matches('.graph__link')), name);
  const target = await page.evaluate(() => document.activeElement.getAttribute('href'));
  await page.keyboard.press('Tab');
  assert.ok(await page.evaluate(() => document.activeElement.matches('.graph__page')));
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.pathname + url.search === target);
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('a definition is narrowed while typing, and each operation has an address', async () => {
  const context = await openContext(shared);
  const page = await context.newPage();
  await enter(page);
  await page.goto('/catalog/default/api/checkout-api/api');
  await page.locator('html[data-enlivened]').waitFor({ state: 'attached' });
  const shown = () => page.locator('.op:visible').count();
  const all = await shown();
  await page.getByRole('searchbox', { name: /^Find in/ }).fill('order');
  assert.ok(await shown() < all && await shown() > 0);
  await page.getByRole('button', { name: 'Find' }).click();
  await page.waitForURL(/q=order/);
  assert.ok(await shown() > 0);
  await page.goto('/catalog/default/api/checkout-api/api#placeOrder');
  await page.locator('#placeOrder').waitFor({ state: 'visible' });
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('Swagger UI starts under the policy of its page and asks no other host', async () => {
  const context = await openContext(shared);
  const page = await context.newPage();
  await enter(page);
  await page.goto('/catalog/default/api/checkout-api/api/try');
  await page.locator('.swagger-ui .opblock').first().waitFor();
  await picture(page, 'definition-trial-desktop');
  await page.locator('.opblock-summary').first().click();
  await page.getByRole('button', { name: 'Try it out' }).first().waitFor();
  assert.deepEqual(context.offences, []);
  await context.close();
});
