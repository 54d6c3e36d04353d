// Shows the card of an entity when somebody points at a reference for a moment, or comes to it by keyboard.
import { signal } from './content.js';

const PAUSE = 350;
const cards = new Map();
let card;
let waiting;
let shown;

export function start(links) {
  for (const link of links) {
    if (link.dataset.carded !== undefined || link.classList.contains('ref--missing')) continue;
    link.dataset.carded = '';
    // The card says more than the reference does.
    link.addEventListener('pointerenter', (event) => { if (event.pointerType === 'mouse') soon(link); });
    link.addEventListener('pointerleave', hide);
    link.addEventListener('focus', () => { if (link.matches(':focus-visible')) soon(link); });
    link.addEventListener('blur', hide);
  }
}

function soon(link) {
  clearTimeout(waiting);
  waiting = setTimeout(() => show(link), PAUSE);
}

async function show(link) {
  const text = await told(`${link.getAttribute('href').split(/[?#]/)[0]}/card`);
  if (!text || !link.isConnected || !(link.matches(':hover') || link.matches(':focus-visible'))) return;
  if (!card?.isConnected) card = made();
  card.innerHTML = text;
  link.removeAttribute('title');
  link.setAttribute('aria-describedby', card.id);
  shown = link;
  card.showPopover();
  const at = link.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = card;
  const below = at.bottom + 6 + height < innerHeight;
  card.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
  card.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - height - 6)}px`;
}

function hide() {
  clearTimeout(waiting);
  shown?.removeAttribute('aria-describedby');
  shown = undefined;
  if (card?.matches(':popover-open')) card.hidePopover();
}

function made() {
  const one = document.createElement('div');
  one.id = 'hover-card';
  one.className = 'hover-card';
  one.setAttribute('role', 'tooltip');
  one.popover = 'manual';
  (document.querySelector('main') ?? document.body).append(one);
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') hide(); }, { signal: signal() });
  addEventListener('scroll', hide, { passive: true, signal: signal() });
  return one;
}

async function told(address) {
  if (!cards.has(address)) {
    const asked = fetch(address).then((answer) => (answer.ok && !answer.redirected ? answer.text() : ''), () => '');
    cards.set(address, asked);
    if (!await asked) cards.delete(address);
  }
  return cards.get(address);
}
