// Questions that people ask a portal, walked from the start page: each step is a click or an Enter. The numbers of
// docs/compared.md are these; the pipelines there need a GitHub, which pipelines.test.mjs has.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { openContext, root, stage } from './portal.mjs';
import { enter } from './story.mjs';

const shared = stage();

/** Types into the search until something of this name is found: no step yet. */
function search(words) {
  const type = async (page) => {
    await page.keyboard.press('/');
    await page.keyboard.type(words);
    // Enter opens the marked one.
    await page.getByRole('option', { selected: true }).filter({ hasText: words }).waitFor();
  };
  return Object.assign(type, { isTyping: true });
}
const press = (key) => (page) => page.keyboard.press(key);
const tab = (name) => (page) => page.getByRole('main').getByRole('link', { name, exact: true }).first().click();

// The question, the steps, and what answers it.
const questions = [
  ['Who owns X?', [search('Checkout service'), press('Enter')], 'Checkout'],
  ['Who is on the team that owns X?', [search('Checkout service'), press('Enter'), tab('Checkout')], 'Members'],
  ['What breaks if X is down?', [search('Checkout service'), press('Enter'), tab('Dependencies')], 'What breaks'],
  ['What does X need?', [search('Checkout service'), press('Enter'), tab('Dependencies')], 'What it needs'],
  ['How do I read X\'s docs?', [search('Placing an order'), press('Enter')], 'Placing an order'],
  ['How do I call X\'s API?', [search('Checkout API'), press('Enter'), tab('Definition')], 'GET'],
  ['Where does X run, in which version?', [search('Checkout service'), press('Enter'), tab('Environments')], 'No environment is declared'],
  ['Which services does my team own?', [], 'Feature flags'],
  ['What is broken in the catalog?', [nav('Catalog'), tab('Problems')], 'in order'],
  ['Who changed X, and what?', [search('Checkout service'), press('Enter'), tab('History')], 'Added'],
  ['Whose things have no owner any more?', [nav('Catalog'), tab('Organisation')], 'owner that does not exist'],
];

function nav(name) {
  return (page) => page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name, exact: true }).click();
}

for (const [question, steps, answer] of questions) {
  test(question, async () => {
    const context = await openContext(shared);
    const page = await context.newPage();
    await enter(page);
    await page.goto('/');
    await page.locator('html[data-enlivened]').waitFor();
    for (const step of steps) await step(page);
    await page.getByRole('main').getByText(answer).first().waitFor();
    assert.deepEqual(context.offences, []);
    await context.close();
  });
}

test('the numbers are those of the documentation', () => {
  const page = readFileSync(path.join(root, 'docs/compared.md'), 'utf8');
  for (const [question, steps] of questions) {
    const count = steps.filter((step) => !step.isTyping).length;
    const row = page.split('\n').find((line) => line.startsWith(`| ${question} |`));
    assert.ok(row, `${question} is not in docs/compared.md`);
    assert.match(row.split('|')[3], new RegExp(`\\b${count}\\b`), question);
  }
});
