// Makes a picture of every kind of page in build/screenshots: desktop, phone and dark. For people to look at: `make screenshots`.
// With `--readme` it makes those that README.md shows instead, in docs/images.
import { mkdirSync } from 'node:fs';
import path from 'node:path';

import { startPortal } from '../portal.mjs';
import { pages } from './pages.mjs';
import { desktop, openContext, phone, root, startBrowser } from './portal.mjs';
import { answerForm, createAndWait, enter, readPlan } from './story.mjs';

const looks = {
  desktop: { viewport: desktop },
  dark: { viewport: desktop, colorScheme: 'dark' },
  phone: { viewport: phone, isMobile: true, hasTouch: true },
};

const folder = path.join(root, 'build/screenshots');
mkdirSync(folder, { recursive: true });
const [portal, browser] = await Promise.all([startPortal(), startBrowser()]);

/** What somebody sees on the way from a template to a service, and what they have then. */
async function forReadme() {
  const picture = (page, name) => page.screenshot({ path: path.join(root, 'docs/images', `${name}.png`) });
  const context = await openContext({ portal, browser }, looks.desktop);
  const page = await context.newPage();
  await enter(page);
  await answerForm(page, 'payments-api', { scripted: true });
  await readPlan(page, 'payments-api');
  await picture(page, 'plan');
  await createAndWait(page);
  await picture(page, 'run');
  await page.goto('/catalog/default/component/checkout-service', { waitUntil: 'networkidle' });
  await picture(page, 'entity');
  await context.close();
  const dark = await openContext({ portal, browser }, looks.dark);
  const home = await dark.newPage();
  await enter(home);
  await home.goto('/', { waitUntil: 'networkidle' });
  await picture(home, 'home-dark');
  await dark.close();
}

async function everyPage() {
  for (const [look, options] of Object.entries(looks)) {
    const context = await openContext({ portal, browser }, options);
    const page = await context.newPage();
    await enter(page);
    if (look === 'desktop') {
      await answerForm(page, 'payments-api', { scripted: true });
      await readPlan(page, 'payments-api');
      await createAndWait(page);
    }
    for (const address of pages) {
      await page.goto(address, { waitUntil: 'networkidle' });
      const name = address.replaceAll(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '') || 'home';
      await page.screenshot({ path: path.join(folder, `${name}-${look}.png`), fullPage: true });
    }
    await context.close();
  }
  process.stdout.write(`${pages.length * Object.keys(looks).length} pictures are in ${folder}\n`);
}

try {
  await (process.argv.includes('--readme') ? forReadme() : everyPage());
} finally {
  await browser.close();
  await portal.stop();
  portal.forget();
}
