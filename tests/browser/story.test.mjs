// Create a service in a browser, end to end: wide, narrow, and without JavaScript.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { pages } from './pages.mjs';
import { accessibilityViolations, desktop, openContext, phone, picture, stage } from './portal.mjs';
import { answerForm, clone, createAndWait, enter, readPlan } from './story.mjs';

const shared = stage();

const ways = [
  { way: 'desktop', name: 'payments-api', options: { viewport: desktop } },
  { way: 'phone', name: 'refunds-api', options: { viewport: phone, isMobile: true, hasTouch: true } },
  { way: 'no-script', name: 'ledger-api', options: { viewport: desktop, javaScriptEnabled: false } },
];

for (const { way, name, options } of ways) {
  test(`a service is created: ${way}`, async () => {
    const context = await openContext(shared, options);
    const page = await context.newPage();
    const scripted = options.javaScriptEnabled !== false;
    await enter(page);
    await answerForm(page, name, { scripted });
    const files = await readPlan(page, name);
    await picture(page, `${way}-plan`);

    // Back keeps every answer.
    await page.getByRole('link', { name: /The service/ }).first().click();
    assert.equal(await page.locator('input[name="name"]').inputValue(), name);
    assert.equal(await page.locator('input[name="name"]').isVisible(), true);
    await page.goBack();
    await page.getByRole('heading', { name: 'The plan' }).waitFor();

    const run = await createAndWait(page);
    await picture(page, `${way}-run`);

    // A second browser sees the same.
    const other = await openContext(shared, options);
    const second = await other.newPage();
    await enter(second);
    await second.goto(run);
    await second.getByRole('link', { name: 'Repository', exact: true }).first().waitFor();
    const text = await second.getByRole('main').innerText();
    for (const step of ['Write the service', 'Create the repository', 'Register it in the catalog']) {
      assert.ok(text.includes(step), `the run does not show "${step}"`);
    }
    await other.close();

    // The repository: pages and a real clone.
    await page.goto(`/repositories/acme/${name}`);
    await page.getByRole('link', { name: 'Dockerfile', exact: true }).first().waitFor();
    await picture(page, `${way}-repository`);
    const cloned = clone(shared.portal, name);
    assert.equal(Object.keys(cloned).length, files);
    assert.match(cloned['catalog-info.yaml'], new RegExp(`name: ${name}`));
    assert.match(cloned['.greenroom/template.yaml'], /template:default\/rust-service/);

    // The entity, its owner's page, the list.
    await page.goto(`/catalog/default/component/${name}`);
    const entity = await page.getByRole('main').innerText();
    for (const words of ['payments', 'checkout', 'rust service', 'Takes payments and refunds them', 'Pipeline']) {
      assert.ok(entity.toLowerCase().includes(words.toLowerCase()), `the entity page does not say "${words}":\n${entity}`);
    }
    await picture(page, `${way}-entity`);
    await page.goto('/catalog/default/group/payments');
    await page.getByRole('link', { name, exact: true }).first().waitFor();
    for (const query of ['kind=component', 'kind=component&type=service', 'kind=component&owner=group:default/payments', 'kind=component&tag=rust', `kind=component&q=${name}`]) {
      await page.goto(`/catalog?${query}`);
      await page.getByRole('link', { name, exact: true }).first().waitFor({ timeout: 5000 });
    }
    await page.goto(`/catalog/default/component/${name}/environments`);
    const environments = await page.getByRole('main').innerText();
    for (const words of [`${name}-dev`, `${name}-prod`, 'payments-staging']) {
      assert.ok(environments.includes(words), `the environments do not say "${words}":\n${environments}`);
    }
    assert.deepEqual(context.offences, []);
    await context.close();
  });
}

test('the plan of a repository that exists says so and cannot be created', async () => {
  const context = await openContext(shared);
  const page = await context.newPage();
  await enter(page);
  await answerForm(page, 'payments-api');
  const text = await page.getByRole('main').innerText();
  assert.match(text, /already/);
  assert.equal(await page.getByRole('button', { name: /^Create/ }).last().isDisabled(), true);
  assert.deepEqual(await accessibilityViolations(page), []);
  await context.close();
});

test('a reload during and after a run shows the same log', async () => {
  const context = await openContext(shared);
  const page = await context.newPage();
  await enter(page);
  await answerForm(page, 'reload-api');
  await createAndWait(page);
  const steps = () => page.getByRole('main').getByText(/Create the Argo CD applications/).count();
  const seen = await steps();
  await page.reload();
  await page.getByRole('link', { name: 'Open in the catalog' }).first().waitFor();
  assert.equal(await steps(), seen);
  await context.close();
});

test('what a run made is undone', async () => {
  const context = await openContext(shared);
  const page = await context.newPage();
  await enter(page);
  await answerForm(page, 'undone-api');
  const run = await createAndWait(page);
  await page.goto(run);
  await page.getByRole('link', { name: 'Undo…' }).click();
  await page.getByRole('heading', { name: 'Undo', exact: true }).waitFor();
  await picture(page, 'undo');
  assert.deepEqual(await accessibilityViolations(page), []);
  const boxes = page.getByRole('checkbox');
  assert.equal(await boxes.count(), 5);
  for (const box of await boxes.all()) await box.check();
  await page.getByRole('button', { name: 'Undo what is ticked' }).click();
  await page.waitForURL(run);
  await page.getByText('Undone: delete repository acme/undone-api').waitFor();
  await picture(page, 'undone');
  assert.equal((await page.goto('/repositories/acme/undone-api')).status(), 404);
  assert.equal((await page.goto('/catalog/default/component/undone-api')).status(), 404);
  await context.close();
});

describe('the pages', () => {
  for (const scheme of ['light', 'dark']) {
    test(`have no accessibility violation, no sideways scrolling and stay small: ${scheme}`, async () => {
      const context = await openContext(shared, { colorScheme: scheme });
      const page = await context.newPage();
      const problems = [];
      await page.goto('/sign-in');
      problems.push(...(await accessibilityViolations(page)).map((text) => `/sign-in ${text}`));
      await enter(page);
      for (const address of pages) {
        let bytes = 0;
        const count = async (response) => {
          const sizes = await response.request().sizes().catch(() => undefined);
          bytes += sizes?.responseBodySize ?? 0;
        };
        page.on('response', count);
        const response = await page.goto(address, { waitUntil: 'networkidle' });
        page.off('response', count);
        if (response.status() >= 500) problems.push(`${address} answered ${response.status()}`);
        if (bytes > 100_000) problems.push(`${address} transferred ${bytes} bytes`);
        problems.push(...(await accessibilityViolations(page)).map((text) => `${address} ${text}`));
        for (const width of [320, 390, 1280]) {
          await page.setViewportSize({ width, height: 800 });
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          if (overflow > 0) problems.push(`${address} is ${overflow} px too wide at ${width}`);
        }
        const slug = address.replaceAll(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '') || 'home';
        await picture(page, `${scheme}-${slug}`);
      }
      const offences = context.offences.filter((text) => !/status of 404/.test(text));
      assert.deepEqual([...problems, ...offences], []);
      await context.close();
    });
  }
});

test('everything is reached and operated by keyboard', async () => {
  const context = await openContext(shared);
  const page = await context.newPage();
  await enter(page);
  await page.locator('html[data-enlivened]').waitFor({ state: 'attached' });
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent.trim()), 'Skip to content');
  await page.keyboard.press('Enter');
  await page.keyboard.press('/');
  const focused = await page.evaluate(() => document.activeElement.getAttribute('type'));
  assert.equal(focused, 'search');
  // Until the palette is there, Enter asks the page of the search.
  await page.getByRole('combobox', { name: 'Search everything' }).waitFor();
  await page.keyboard.type('payments');
  await page.keyboard.press('Enter');
  // Enter was quicker than the answer, and opens what the answer has first.
  await page.waitForURL(/\/catalog\/default\/[a-z]+\/payments$/);
  await context.close();
});
