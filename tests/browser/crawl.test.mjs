// Follows every link of the portal, as a guest without a script: each leads somewhere, and each page is valid HTML.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { load, startPortal } from '../portal.mjs';

const { HtmlValidate } = load('html-validate');

// Pages of one shape, such as those of entities or of commits, that are opened; all of them are alike.
const OF_A_SHAPE = 3;

const validator = new HtmlValidate({
  extends: ['html-validate:standard', 'html-validate:document'],
  rules: {
    // Style only: all of these are valid.
    'doctype-style': 'off', 'attribute-boolean-style': 'off', 'void-style': 'off', 'no-trailing-whitespace': 'off', 'long-title': 'off',
    // Everything comes from the portal itself.
    'require-sri': 'off',
  },
});

let portal;
before(async () => { portal = await startPortal(); });
after(async () => {
  await portal.stop();
  portal.forget();
});

test('every link leads somewhere, and every page is valid', async () => {
  const cookie = await enter();
  const seen = new Map([['/', '(start)']]);
  const shapes = new Map();
  const problems = [];
  const fragments = [];
  const anchors = new Map();
  const waiting = ['/'];
  while (waiting.length > 0) {
    const address = waiting.shift();
    const from = seen.get(address);
    const answer = await fetch(portal.url + address, { headers: { cookie }, redirect: 'manual' });
    const isPage = /text\/html/.test(answer.headers.get('content-type') ?? '');
    if (answer.status >= 400) problems.push(`${address} answers ${answer.status}; the link is on ${from}`);
    if (answer.status >= 300 && answer.status < 400) {
      add(new URL(answer.headers.get('location'), portal.url + address), from);
      continue;
    }
    const text = await answer.text();
    if (!isPage || answer.status !== 200 || !text.includes('<html')) continue;
    anchors.set(address, new Set([...text.matchAll(/ id="([^"]*)"/g)].map(([, id]) => decoded(id))));
    const report = await validator.validateString(text);
    for (const { line, column, message, ruleId } of report.results.flatMap((result) => result.messages)) {
      problems.push(`${address}:${line}:${column} ${ruleId}: ${message}`);
    }
    for (const [, link] of text.matchAll(/ (?:href|src)="([^"]*)"/g)) {
      const target = new URL(decoded(link), portal.url + address);
      if (target.origin !== portal.url) continue;
      if (target.hash) fragments.push([target, address]);
      add(target, address);
    }
  }
  // A fragment names a place on its page, where that page was opened.
  for (const [target, address] of fragments) {
    const ids = anchors.get(target.pathname + target.search);
    const id = decodeURIComponent(target.hash.slice(1));
    if (ids && !ids.has(id)) problems.push(`${target.pathname}${target.hash} names no place; the link is on ${address}`);
  }
  assert.ok(anchors.size > 60, `only ${anchors.size} pages were found`);
  assert.deepEqual(problems, []);

  function add(target, from) {
    const address = target.pathname + target.search;
    if (seen.has(address)) return;
    const shape = shapeOf(target);
    const count = shapes.get(shape) ?? 0;
    if (count >= OF_A_SHAPE) return;
    shapes.set(shape, count + 1);
    seen.set(address, from);
    waiting.push(address);
  }
});

async function enter() {
  const answer = await fetch(`${portal.url}/sign-in/guest`, {
    method: 'POST', redirect: 'manual', headers: { 'sec-fetch-site': 'same-origin' }, body: new URLSearchParams(),
  });
  return answer.headers.get('set-cookie').split(';')[0];
}

/** `/catalog/_/component/_/history?q`: what an address is of, without which one. */
function shapeOf({ pathname, searchParams }) {
  const parts = pathname.split('/');
  const named = { catalog: [2, 4], repositories: [2, 3, 5], docs: [2, 4], assets: [2] }[parts[1]] ?? [];
  const shape = parts.map((part, index) => (named.includes(index) || /^[0-9a-f-]{30,}$|^\d+$/.test(part) ? '_' : part));
  // Below a branch or a commit there are files of any name.
  return `${shape.slice(0, parts[1] === 'repositories' ? 6 : 7).join('/')}?${[...new Set(searchParams.keys())].sort().join('&')}`;
}

function decoded(text) {
  return text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code)).replaceAll('&amp;', '&').replaceAll('&quot;', '"');
}
