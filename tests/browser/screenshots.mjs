// Makes a picture of every kind of page in build/screenshots: desktop, phone and dark. For people to look at: `make screenshots`.
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
try {
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
} finally {
  await browser.close();
  await portal.stop();
  portal.forget();
}
process.stdout.write(`${pages.length * Object.keys(looks).length} pictures are in ${folder}\n`);
