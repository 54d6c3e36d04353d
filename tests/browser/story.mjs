// The main story as a person clicks it. Works the same with and without JavaScript, wide and narrow.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Enters as guest and arrives on the start page. */
export async function enter(page) {
  await page.goto('/');
  assert.match(page.url(), /\/sign-in/);
  await page.getByRole('button', { name: 'Enter as guest' }).click();
  await page.waitForURL((url) => url.pathname === '/');
}

/** Picks an option of a select that a script may have turned into a combobox. */
async function choose(page, label, value) {
  await page.locator(`select[name="${label}"]`).evaluate((select, wanted) => {
    select.value = wanted;
    select.dispatchEvent(new Event('change', { bubbles: true }));
  }, value).catch(() => page.locator(`select[name="${label}"]`).selectOption(value));
}

/** From the start page to the plan of a service; looks at errors and at Back on the way. */
export async function answerForm(page, name, { scripted = true } = {}) {
  await page.goto('/create');
  await page.getByRole('link', { name: /^Choose Rust service/ }).click();
  await page.waitForURL(/\/create\/drafts\//);

  // Nothing filled in: the server says what is missing, beside the field and on top.
  await page.locator('form.form').evaluate((form) => { form.noValidate = true; }).catch(() => {});
  if (scripted) {
    await page.getByRole('button', { name: /Next|Review/ }).last().click();
    await page.getByRole('alert').waitFor();
    assert.match(await page.getByRole('alert').innerText(), /Name/);
  }

  await page.locator('input[name="name"]').fill(name);
  await page.locator('[name="description"]').fill('Takes payments and refunds them');
  const pick = async (field, value) => (scripted ? choose(page, field, value) : page.locator(`select[name="${field}"]`).selectOption(value));
  await pick('owner', 'group:default/payments');
  await pick('system', 'system:default/checkout');
  await page.getByRole('button', { name: /Next|Review/ }).last().click();

  await page.locator('input[name="repoUrl.owner"]').fill('acme');
  await page.locator('input[name="repoUrl.repo"]').fill(name);
  await page.getByRole('button', { name: /Next|Review/ }).last().click();

  await page.locator('[name="replicas"]').waitFor();
  await page.getByRole('button', { name: /Next|Review/ }).last().click();
  await page.getByRole('heading', { name: 'The plan' }).waitFor();
  // The heading is there before the rest of a long plan.
  await page.waitForLoadState();
}

/** What the plan must say about a service of that name. */
export async function readPlan(page, name) {
  const text = await page.getByRole('main').innerText();
  for (const words of [`create repository acme/${name}`, `component:default/${name}`, `Argo CD application ${name}-dev → cluster local, namespace payments-dev`]) {
    assert.ok(text.includes(words), `the plan does not say "${words}":\n${text}`);
  }
  const files = Number(/push (\d+) files to main/.exec(text)?.[1]);
  assert.ok(files > 30, `the plan pushes ${files} files`);
  return files;
}

/** Presses Create and waits for the end of the run. */
export async function createAndWait(page) {
  await page.getByRole('button', { name: /^Create/ }).last().click();
  await page.waitForURL(/\/create\/tasks\//);
  await page.getByRole('link', { name: 'Open in the catalog' }).first().waitFor({ timeout: 20_000 });
  return page.url();
}

/** Clones with a real Git client; gives the files, relative. */
export function clone(portal, name) {
  const folder = mkdtempSync(path.join(tmpdir(), 'greenroom-clone-'));
  try {
    execFileSync('git', ['clone', '--quiet', `${portal.url}/git/acme/${name}.git`, folder], { stdio: 'pipe' });
    execFileSync('git', ['-C', folder, 'fsck', '--strict'], { stdio: 'pipe' });
    const files = {};
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const whole = path.join(entry.parentPath ?? entry.path, entry.name);
      const relative = path.relative(folder, whole);
      if (entry.isFile() && !relative.startsWith('.git/')) files[relative] = readFileSync(whole, 'utf8');
    }
    return files;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
