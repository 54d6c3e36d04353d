// Create a service on GitHub in a browser, end to end, against the model of GitHub.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { appClient } from '../github/clients.mjs';
import { startModel } from '../github/model.mjs';
import { startPortal } from '../portal.mjs';
import { accessibilityViolations, openContext, picture, root, startBrowser } from './portal.mjs';
import { createAndWait, enter } from './story.mjs';

const shared = {};
let model;
let world;
let folder;

before(async () => {
  model = await startModel();
  world = await model.create({
    users: [{ login: 'ada', name: 'Ada', email: 'ada@acme.example' }],
    organizations: [{ login: 'acme', members: [{ login: 'ada', role: 'admin' }], teams: [{ slug: 'platform', name: 'Platform', members: ['ada'] }] }],
    app: { slug: 'greenroom', webhookSecret: 'hook secret', installations: [{ account: 'acme', repositories: 'all' }] },
  });
  const host = new URL(world.url).host;
  folder = mkdtempSync(path.join(tmpdir(), 'greenroom-template-'));
  cpSync(path.join(root, 'tests/browser/github'), folder, { recursive: true });
  const template = path.join(folder, 'template.yaml');
  writeFileSync(template, readFileSync(template, 'utf8').replaceAll('HOST', host));
  const config = {
    integrations: { github: [{ host, apiBaseUrl: world.apiUrl, apps: [{ appId: world.app.id, privateKey: world.app.privateKey, webhookSecret: 'hook secret' }] }] },
    catalog: { locations: [{ type: 'file', target: template, rules: [{ allow: ['Template'] }] }] },
  };
  [shared.portal, shared.browser] = await Promise.all([startPortal({ config: JSON.stringify(config) }), startBrowser()]);
});

after(async () => {
  await shared.browser?.close();
  await shared.portal?.stop();
  shared.portal?.forget();
  await model?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a service is created on GitHub: repository, protection, environments, secrets, pipeline, catalog entry', async () => {
  const context = await openContext(shared);
  const page = await context.newPage();
  await enter(page);
  await page.goto('/create');
  await page.getByRole('link', { name: /^Choose Service on GitHub/ }).click();
  await page.waitForURL(/\/create\/drafts\//);
  await page.locator('[name="description"]').fill('Takes payments');
  await page.locator('input[name="repoUrl.owner"]').fill('acme');
  await page.locator('input[name="repoUrl.repo"]').fill('payments-api');
  await page.locator('[name="registryToken"]').fill('hunter2');
  await page.getByRole('button', { name: /Next|Review/ }).last().click();
  await page.getByRole('heading', { name: 'The plan' }).waitFor();
  const plan = await page.getByRole('main').innerText();
  for (const words of [
    'create repository acme/payments-api', 'push 4 files to main', 'protect branch main of acme/payments-api',
    'set secrets of acme/payments-api: REGISTRY_TOKEN', 'set up environment prod in acme/payments-api',
    'run workflow ci.yaml of acme/payments-api on main',
  ]) {
    assert.ok(plan.includes(words), `the plan does not say "${words}":\n${plan}`);
  }
  assert.ok(!plan.includes('hunter2'));
  await picture(page, 'github-plan');
  assert.deepEqual(await accessibilityViolations(page), []);

  await createAndWait(page);
  await picture(page, 'github-run');
  assert.ok(!(await page.getByRole('main').innerText()).includes('hunter2'));

  const { repositories } = await world.state();
  const made = repositories.find((one) => one.fullName === 'acme/payments-api');
  assert.equal(made.description, 'Takes payments');
  assert.equal(made.visibility, 'internal');
  assert.deepEqual(made.teams, { platform: 'admin' });
  assert.deepEqual(made.secrets, { REGISTRY_TOKEN: 'hunter2' });
  assert.deepEqual(made.environments.map((one) => [one.name, one.waitTimer, one.variables, one.secrets]), [
    ['dev', 0, { STAGE: 'dev' }, { DEPLOY_KEY: 'key of dev' }],
    ['staging', 0, { STAGE: 'staging' }, { DEPLOY_KEY: 'key of staging' }],
    ['prod', 30, { STAGE: 'prod' }, { DEPLOY_KEY: 'key of prod' }],
  ]);
  assert.deepEqual(made.protection.main.required_status_checks.contexts, ['test']);
  assert.equal(made.protection.main.required_pull_request_reviews.require_code_owner_reviews, true);
  assert.ok(made.runs.some((run) => run.event === 'workflow_dispatch'), JSON.stringify(made.runs));
  assert.equal(made.branches[0].commits, 1);

  // What a person clones is what the template made.
  const clone = path.join(folder, 'clone');
  execFileSync('git', ['-c', `http.extraHeader=Authorization: Basic ${Buffer.from(`x:${await token()}`).toString('base64')}`, 'clone', '--quiet', `${world.url}/acme/payments-api.git`, clone], { stdio: 'pipe' });
  assert.deepEqual(readdirSync(clone).sort(), ['.git', '.github', 'Dockerfile', 'catalog-info.yaml', 'src']);
  assert.equal(readFileSync(path.join(clone, 'src/run'), 'utf8'), '#!/bin/sh\necho "payments-api"\n');

  await page.getByRole('link', { name: 'Open in the catalog' }).first().click();
  await page.getByRole('heading', { name: 'payments-api' }).waitFor();
  await picture(page, 'github-entity');
  assert.deepEqual(await world.violations(), []);
  assert.deepEqual(context.offences, []);
  await context.close();
});

/** A token of the App's installation, as a pipeline would have. */
async function token() {
  return (await appClient(world, 0).auth({ type: 'installation' })).token;
}
