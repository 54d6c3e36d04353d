// The pages for those who write templates, with JavaScript.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessibilityViolations, openContext, phone, picture, stage } from './portal.mjs';
import { enter } from './story.mjs';

const shared = stage();

/** A page of a signed-in person, enlivened. */
async function open(address, options = {}) {
  const context = await openContext(shared, options);
  const page = await context.newPage();
  await enter(page);
  await page.goto(address);
  await page.locator('html[data-enlivened]').waitFor({ state: 'attached' });
  return { context, page };
}

test('lists narrow while one types', async () => {
  const { context, page } = await open('/create/actions');
  await page.getByRole('searchbox', { name: 'Filter actions' }).fill('debug message');
  await page.locator('section[id="fetch:template"]').waitFor({ state: 'hidden' });
  assert.equal(await page.locator('section[id="debug:log"]').isVisible(), true);
  await page.goto('/create/templating-extensions');
  await page.getByRole('searchbox', { name: 'Filter what is listed' }).fill('repository');
  await page.locator('#filter-abs').waitFor({ state: 'hidden' });
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('an expression is tried from its example', async () => {
  const { context, page } = await open('/create/templating-extensions');
  await page.getByRole('link', { name: 'Try the example of projectSlug' }).click();
  await page.getByRole('button', { name: 'Evaluate' }).click();
  await page.locator('.trial__value', { hasText: 'acme/cart' }).waitFor();
  await picture(page, 'expressions-tried');
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('the editor follows the typing and leads to mistakes', async () => {
  const { context, page } = await open('/create/edit');
  const text = page.locator('#text');
  const written = await text.inputValue();
  await text.fill(written.replace('debug:log', 'debug:lag'));
  const place = page.getByRole('link', { name: '21:7' });
  await place.waitFor();
  await picture(page, 'editor-fault');
  await place.click();
  const at = await text.evaluate((area) => area.value.slice(area.selectionStart, area.selectionEnd));
  assert.equal(at, 'action: debug:lag');

  await text.fill(written.replace("          title: Name", "          title: What to call it"));
  await page.getByLabel('What to call it').waitFor();
  // An answer is typed on while the form is replaced beneath it.
  const name = page.getByLabel('What to call it');
  await name.fill('');
  await name.pressSequentially('orders');
  await page.getByText('This would be orders.').waitFor({ state: 'attached' });
  assert.equal(await page.evaluate(() => document.activeElement.id), 'field-name');
  assert.deepEqual(await accessibilityViolations(page), []);
  await picture(page, 'editor-form');
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('the editor shows the files of a template of the catalog', async () => {
  const { context, page } = await open('/create/edit?template=template:default/rust-service');
  await picture(page, 'editor-template');
  await page.getByLabel(/^Name/).first().fill('cart');
  assert.deepEqual(context.offences, []);
  await context.close();
});

test('the editor takes a folder', async () => {
  const { context, page } = await open('/create/edit', { viewport: phone });
  await page.getByText('Files beside it').click();
  const template = (await page.locator('#text').inputValue()).replace('title: My template', 'title: Uploaded').replace('debug:log', 'fetch:template').replace(/message: .*/, 'url: ./skeleton\n        values: { name: "${{ parameters.name }}" }');
  await page.locator('input[name="_upload"][multiple]').setInputFiles([
    { name: 'template.yaml', mimeType: 'application/yaml', buffer: Buffer.from(template) },
  ]);
  await page.getByRole('button', { name: 'Upload' }).click();
  await page.waitForFunction(() => document.querySelector('#text')?.value.includes('title: Uploaded'));
  assert.match(await page.locator('#text').inputValue(), /title: Uploaded/);
  await picture(page, 'editor-phone');
  assert.deepEqual(context.offences, []);
  await context.close();
});
