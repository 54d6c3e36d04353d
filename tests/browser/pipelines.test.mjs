// Repositories of a GitHub are imported, and their pipelines looked at, as a person does it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { startGitHub } from './github.mjs';
import { accessibilityViolations, openContext, phone, picture, stage } from './portal.mjs';
import { enter } from './story.mjs';

const descriptor = (name, owner) => `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: ${name}
  description: Takes payments
spec:
  type: service
  lifecycle: production
  owner: ${owner}
`;
const workflow = `name: Build
on: [push]
jobs:
  test: { runs-on: ubuntu-latest, steps: [{ run: make test }] }
  lint: { runs-on: ubuntu-latest, steps: [{ run: make lint }] }
`;
const OWNER = 'platform';

let github;
const shared = stage(async () => {
  github = await startGitHub({
    users: [{ login: 'ada', name: 'Ada', email: 'ada@acme.example' }],
    organizations: [{ login: 'acme', members: [{ login: 'ada', role: 'admin' }] }],
    app: { slug: 'greenroom', webhookSecret: 'hook', installations: [{ account: 'acme', repositories: 'all' }] },
    repositories: [
      { owner: 'acme', name: 'pay', description: 'Takes payments', files: { 'catalog-info.yaml': descriptor('pay', OWNER), '.github/workflows/build.yaml': workflow } },
      { owner: 'acme', name: 'bookkeeping', description: 'Keeps the books', files: { 'README.md': '# Bookkeeping\n' } },
      { owner: 'acme', name: 'empty' },
    ],
    runs: { manual: true },
  });
  for (const [branch, conclusion] of [['main', 'success'], ['feature/refunds', 'failure']]) {
    await github.event({ kind: 'commit', repository: 'acme/pay', branch, files: { 'a.txt': branch }, message: `Refund what was paid twice on ${branch}`, by: 'ada' });
    await github.event({ kind: 'run', repository: 'acme/pay', status: 'completed', conclusion, jobs: { lint: 'success' } });
  }
  return { config: JSON.stringify({ integrations: { github: [github.integration] } }) };
});
after(() => github?.stop());

/** A page of a signed-in person. */
async function open(options = {}) {
  const context = await openContext(shared, options);
  const page = await context.newPage();
  await enter(page);
  return { context, page };
}

test('an organisation is imported: what is there is registered, what is missing is proposed', async () => {
  const { context, page } = await open();
  await page.goto('/catalog-import');
  await page.getByLabel('Address of a repository or an organisation').fill(`${github.url}/acme`);
  await page.getByRole('button', { name: 'Look what is there' }).click();
  await page.getByText('no commit yet').waitFor();
  assert.deepEqual(await accessibilityViolations(page), []);
  await picture(page, 'import-survey');
  await page.getByRole('checkbox', { name: 'Propose one' }).check();
  await page.locator('select[name="owner"]').evaluate((select, wanted) => { select.value = wanted; }, `group:default/${OWNER}`);
  await page.getByRole('button', { name: 'Show what would be done' }).click();
  await page.getByRole('button', { name: 'Register 1 location and open 1 pull request' }).waitFor();
  const text = page.getByLabel('Descriptor of acme/bookkeeping');
  assert.match(await text.inputValue(), /name: bookkeeping\n {2}description: Keeps the books\n {2}annotations:\n {4}github.com\/project-slug: acme\/bookkeeping/);
  assert.deepEqual(await accessibilityViolations(page), []);
  await picture(page, 'import-review');
  await page.getByRole('button', { name: /^Register 1/ }).click();
  await page.getByRole('link', { name: '#1' }).waitFor();
  assert.deepEqual(await accessibilityViolations(page), []);
  await picture(page, 'import-open');
  await github.event({ kind: 'merge', repository: 'acme/bookkeeping', number: 1, by: 'ada' });
  await page.getByRole('link', { name: 'Look again' }).click();
  await page.getByText('1 merged').waitFor();
  // What was merged is read by the catalog's own schedule.
  const isThere = () => page.evaluate(async () => (await fetch('/catalog/default/component/bookkeeping')).ok);
  for (let looks = 0; looks < 60 && !(await isThere()); looks += 1) await page.waitForTimeout(500);
  await page.goto('/catalog/default/component/bookkeeping');
  await page.getByText('Keeps the books').waitFor();
  assert.deepEqual(context.offences, []);
  assert.deepEqual(await github.violations(), []);
  await context.close();
});

test('pipelines come after the page, are filtered, looked into and repeated', async () => {
  const { context, page } = await open();
  await page.goto('/catalog/default/component/pay');
  const latest = page.locator('#ci-latest');
  await latest.getByRole('link', { name: 'Refund what was paid twice on feature/refunds' }).waitFor();
  assert.deepEqual(await accessibilityViolations(page), []);
  await picture(page, 'ci-overview');
  await page.getByRole('link', { name: 'CI', exact: true }).click();
  await page.getByRole('link', { name: 'Refund what was paid twice on main' }).waitFor();
  assert.deepEqual(await accessibilityViolations(page), []);
  const hidden = await page.locator('.table-frame').evaluate((frame) => frame.scrollWidth - frame.clientWidth);
  assert.ok(hidden <= 0, 'every column of the runs is seen');
  await picture(page, 'ci');
  await page.getByLabel('Branch').fill('feature/refunds');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.waitForURL(/branch=feature/);
  await page.getByRole('link', { name: 'Refund what was paid twice on feature/refunds' }).click();
  await page.getByRole('button', { name: 'Run what failed again' }).waitFor();
  assert.equal(await page.getByRole('link', { name: /^Log of/ }).count(), 2);
  const [run, jobs] = await page.locator('#ci-run > .card').evaluateAll((cards) => cards.map((card) => card.getBoundingClientRect()));
  assert.ok(jobs.top - run.bottom >= 8, 'the cards keep their distance');
  assert.deepEqual(await accessibilityViolations(page), []);
  await picture(page, 'ci-run');
  await page.getByRole('button', { name: 'Run what failed again' }).click();
  await page.getByRole('button', { name: 'Cancel' }).waitFor();
  await picture(page, 'ci-run-moving');
  // It goes on by itself, and so does the page.
  await github.event({ kind: 'run', repository: 'acme/pay', status: 'completed', conclusion: 'success' });
  await page.getByRole('button', { name: 'Run again' }).waitFor();
  assert.deepEqual(context.offences, []);
  assert.deepEqual(await github.violations(), []);
  await context.close();
});

test('the same without JavaScript', async () => {
  const { context, page } = await open({ javaScriptEnabled: false });
  await page.goto('/catalog/default/component/pay/ci');
  await page.getByRole('link', { name: 'Show what GitHub tells' }).click();
  await page.getByRole('link', { name: 'Refund what was paid twice on main' }).waitFor();
  await page.getByLabel('Branch').fill('feature/refunds');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.getByRole('link', { name: 'Refund what was paid twice on feature/refunds' }).click();
  await page.getByRole('link', { name: 'Show what GitHub tells' }).click();
  await page.getByRole('button', { name: 'Run again' }).waitFor();
  await page.goto('/catalog-import');
  await page.getByLabel('Address of a repository or an organisation').fill(`${github.url}/acme/bookkeeping`);
  await page.getByRole('button', { name: 'Look what is there' }).click();
  await page.getByText('in the catalog').waitFor();
  await context.close();
});

for (const [name, options] of [['dark', { colorScheme: 'dark' }], ['phone', { viewport: phone }]]) {
  test(`the pages in the ${name === 'dark' ? 'dark' : 'hand'}`, async () => {
    const { context, page } = await open(options);
    const wide = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    const pages = [
      ['ci', '/catalog/default/component/pay/ci', '.table--pipelines'],
      ['ci-overview', '/catalog/default/component/pay', '#ci-latest li'],
      ['import', `/catalog-import?url=${encodeURIComponent(`${github.url}/acme`)}`, '#survey table'],
    ];
    for (const [picked, address, part] of pages) {
      await page.goto(address);
      await page.locator(part).first().waitFor();
      assert.deepEqual(await accessibilityViolations(page), [], address);
      assert.ok(await wide() <= 0, `${address} is wider than the screen`);
      await picture(page, `${picked}-${name}`);
    }
    await page.goto('/catalog/default/component/pay/ci');
    await page.getByRole('link', { name: /on main$/ }).first().click();
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    await picture(page, `ci-run-${name}`);
    await page.goto('/catalog-import');
    await page.locator('tbody a').first().click();
    await page.getByText('1 merged').waitFor();
    assert.ok(await wide() <= 0, 'the import is wider than the screen');
    await picture(page, `import-done-${name}`);
    assert.deepEqual(context.offences, []);
    await context.close();
  });
}
