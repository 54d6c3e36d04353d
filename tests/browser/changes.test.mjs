// A service that is there is changed by a template that its page leads to.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessibilityViolations, openContext, picture, stage } from './portal.mjs';
import { answerForm, clone, createAndWait, enter } from './story.mjs';

const shared = stage();

test('a database is added by pull request, from the page of the service', async () => {
  const context = await openContext(shared);
  const page = await context.newPage();
  await enter(page);
  await answerForm(page, 'stock-api');
  await createAndWait(page);
  await page.goto('/catalog/default/component/stock-api');
  await page.getByRole('link', { name: 'Add a database' }).first().click();
  await page.waitForURL(/\/create\/drafts\//);
  assert.equal(await page.locator('[name="component"]').inputValue(), 'component:default/stock-api');
  assert.deepEqual(await accessibilityViolations(page), []);
  await picture(page, 'add-database');
  await page.getByRole('button', { name: /Next|Review/ }).last().click();
  await page.getByRole('heading', { name: 'The plan' }).waitFor();
  const plan = await page.getByRole('main').innerText();
  assert.match(plan, /open a pull request in acme\/stock-api from database into main \(files: 2 added, 7 changed\)/);
  await picture(page, 'add-database-plan');
  await page.getByRole('button', { name: 'Propose the change' }).last().click();
  await page.getByRole('link', { name: 'Pull request', exact: true }).first().click();
  await page.getByRole('heading', { name: /Add a database/ }).waitFor();
  await picture(page, 'add-database-pull-request');

  // Nothing is on main before somebody merges it.
  assert.equal(clone(shared.portal, 'stock-api')['docs/database.md'], undefined);
  await page.getByRole('button', { name: /^Merge/ }).first().click();
  await page.getByText('merged', { exact: true }).first().waitFor();
  const merged = clone(shared.portal, 'stock-api');
  assert.match(merged['catalog-info.yaml'], /name: stock-api-database/);
  assert.match(merged['chart/values-prod.yaml'], /instances: 3/);
  assert.deepEqual(context.offences, []);
  await context.close();
});
