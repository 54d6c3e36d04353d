// Keeps a part of the page as the server sees it: events at `data-follow` say that something changed, the page at
// `data-from` has the part of the same id. Focus and scroll stay where they are.
import { isFromBefore, signal } from './content.js';

const AGAIN = 3000;

export function start(parts) {
  for (const part of parts) follow(part);
}

function follow(part) {
  if (!part.isConnected) return;
  const events = new EventSource(part.dataset.follow);
  let busy = false;
  let missed = false;
  const look = async () => {
    if (busy) { missed = true; return; }
    busy = true;
    try { await renew(part); } finally {
      busy = false;
      if (missed) { missed = false; look(); }
    }
  };
  events.addEventListener('changed', look);
  // The connection was lost for a while, or begins late: what happened meanwhile is not told again.
  let was = isFromBefore();
  events.addEventListener('open', () => { if (was) look(); was = true; });
  events.addEventListener('error', () => { if (events.readyState === EventSource.CLOSED) setTimeout(() => follow(part), AGAIN); });
  // A page that cannot be told any more says since when.
  let lost;
  events.addEventListener('open', () => { clearTimeout(lost); lost = undefined; stale(part, false); });
  events.addEventListener('error', () => { lost ??= setTimeout(() => stale(part, true), AGAIN); });
  const end = () => { clearTimeout(lost); events.close(); };
  addEventListener('pagehide', end, { signal: signal() });
  signal().addEventListener('abort', end);
}

function stale(part, is) {
  const note = document.getElementById(`${part.id}-stale`);
  if (!is) return note?.remove();
  if (note) return;
  const line = document.createElement('p');
  line.id = `${part.id}-stale`;
  line.className = 'notice notice--warn';
  line.setAttribute('role', 'status');
  line.textContent = `The connection is lost: this is how it was at ${new Date().toLocaleTimeString()}.`;
  part.before(line);
}

async function renew(part) {
  // Other content stands there now.
  if (!part.isConnected) return;
  // Somebody is writing in it, or is about to press something.
  if (part.contains(document.activeElement) && document.activeElement.matches('input, textarea, select')) return;
  if ([...part.querySelectorAll('[type="checkbox"]')].some((box) => box.checked !== box.defaultChecked)) return;
  const answer = await fetch(part.dataset.from);
  // Signed out, or gone: the whole page says so.
  if (answer.redirected || answer.status === 404) return location.reload();
  if (!answer.ok) return;
  const found = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById(part.id);
  if (!found) return;
  const focused = part.contains(document.activeElement) ? place(part, document.activeElement) : null;
  const scrolled = [...part.querySelectorAll('[tabindex="0"]')].map((area) => [area.scrollLeft, area.scrollTop]);
  const opened = new Set([...part.querySelectorAll('details[open][id]')].map((one) => one.id));
  part.replaceChildren(...found.childNodes);
  [...part.querySelectorAll('[tabindex="0"]')].forEach((area, index) => {
    if (scrolled[index]) [area.scrollLeft, area.scrollTop] = scrolled[index];
  });
  for (const one of part.querySelectorAll('details[id]')) if (opened.has(one.id)) one.open = true;
  if (focused) at(part, focused)?.focus({ preventScroll: true });
  const { enliven } = await import('./portal.js');
  await enliven(part);
}

/** The way to an element, by the places of its ancestors. */
function place(part, element) {
  const way = [];
  for (let one = element; one !== part; one = one.parentElement) way.unshift([...one.parentElement.children].indexOf(one));
  return way;
}

function at(part, way) {
  return way.reduce((one, index) => one?.children[index], part);
}
