// Follows filters, orders and tabs without leaving the document: what is behind the link is fetched, and its content takes the
// place of this one. Anything unusual (signed out, an error, another release, a page with scripts of its own) is left to the
// browser, as is every click that means another window. Where the pointer or the focus rests a click is likely: the page is
// fetched by then.
import { exchange } from './content.js';

const RESTS = 65;
const FRESH = 1000;
let turn = 0;
let ahead;
let resting;
let listening = false;
let said;

export function start(links) {
  for (const link of links) {
    if (link.origin !== location.origin || link.target || link.hasAttribute('download')) continue;
    link.addEventListener('click', (event) => {
      if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      go(link.href, { isNew: true, link });
    });
    link.addEventListener('pointerdown', (event) => { if (event.button === 0) fetchAhead(link.href); });
    for (const kind of ['pointerenter', 'focus']) link.addEventListener(kind, () => rest(link.href));
    for (const kind of ['pointerleave', 'blur']) link.addEventListener(kind, () => clearTimeout(resting));
  }
  if (listening) return;
  listening = true;
  addEventListener('popstate', (event) => { if (event.state?.isSoft) go(location.href, { isNew: false }); });
}

async function go(address, { isNew, link }) {
  turn += 1;
  const mine = turn;
  const isAhead = isFresh(address);
  const found = await (isAhead ? ahead.found : page(address));
  // Its nodes go into the document: it is used once.
  ahead = undefined;
  // Somebody was quicker to click again.
  if (mine !== turn) return;
  if (!found) return isNew ? location.assign(address) : location.reload();
  const isSame = new URL(address).pathname === location.pathname;
  if (isNew) {
    history.replaceState({ isSoft: true }, '');
    history.pushState({ isSoft: true }, '', address);
  }
  const alive = exchange(found.getElementById('content'), found.title, isAhead);
  if (isNew && !isSame) scrollTo(0, 0);
  (counterpart(link) ?? document.getElementById('content')).focus({ preventScroll: true });
  said ??= voice();
  said.textContent = document.title;
  await alive;
}

/** A page is soon old: somebody else may change what it shows. */
const isFresh = (address) => ahead?.address === address && performance.now() - ahead.at < FRESH;

function rest(address) {
  clearTimeout(resting);
  // The link of the page that is open has the focus after it was followed.
  if (address !== location.href) resting = setTimeout(fetchAhead, RESTS, address);
}

function fetchAhead(address) {
  if (!isFresh(address) && !navigator.connection?.saveData) ahead = { address, at: performance.now(), found: page(address) };
}

/** The page at an address, if its content can stand in this document. */
async function page(address) {
  try {
    const answer = await fetch(address, { headers: { accept: 'text/html' } });
    if (!answer.ok || answer.redirected) return null;
    const found = new DOMParser().parseFromString(await answer.text(), 'text/html');
    return found.getElementById('content') && needs(found) === needs(document) ? found : null;
  } catch {
    return null;
  }
}

/** What a page is made with: scripts and styles, which carry the release in their addresses. */
function needs(of) {
  return [...of.head.querySelectorAll('script, link[rel="stylesheet"], noscript')].map((one) => one.getAttribute('src') ?? one.getAttribute('href') ?? '').join(' ');
}

/** The link of the new content that stands for one of the old. */
function counterpart(link) {
  if (!link) return null;
  const links = [...document.querySelectorAll('#content a')];
  const words = link.textContent.trim();
  return links.find((one) => one.getAttribute('href') === link.getAttribute('href') && one.className === link.className)
    ?? links.find((one) => one.className === link.className && one.textContent.trim() === words);
}

/** Where the name of the new page is said to whoever does not see it. */
function voice() {
  const line = document.createElement('p');
  line.className = 'only-heard';
  line.setAttribute('role', 'status');
  document.body.append(line);
  return line;
}
