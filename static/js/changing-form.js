// Sends a page of a form whose questions depend on its answers after each answer, and puts the new questions in place.
// The answers are kept by that, too. Without it the page comes again when its answers ask for more.
import { enliven } from './portal.js';

export function start([form]) {
  let asking;
  form.addEventListener('change', async (event) => {
    if (event.target.type === 'password') return;
    asking?.abort();
    asking = new AbortController();
    const body = new URLSearchParams(new FormData(form));
    body.set('_go', form.dataset.changes);
    try {
      const answer = await fetch(form.action, { method: 'POST', body, signal: asking.signal });
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const fresh = page.querySelector('[data-fields]');
      if (answer.ok && fresh) show(form.querySelector('[data-fields]'), fresh);
    } catch (error) {
      // The answers are sent again with the page.
      if (error.name !== 'AbortError') form.removeAttribute('data-changes');
    }
  });
}

function show(old, fresh) {
  // What was typed meanwhile, and what only the browser knows, is carried over.
  const typed = document.activeElement;
  for (const field of old.querySelectorAll('input[type="password"]')) {
    const next = field.id && fresh.querySelector(`#${CSS.escape(field.id)}`);
    if (next) next.value = field.value;
  }
  const { id, selectionStart, selectionEnd } = old.contains(typed) ? typed : {};
  const next = id && fresh.querySelector(`#${CSS.escape(id)}`);
  if (next && 'value' in next && typed.type === next.type) next.value = typed.value;
  for (const eager of fresh.querySelectorAll('[autofocus]')) eager.removeAttribute('autofocus');
  old.replaceWith(fresh);
  enliven(fresh).then(() => {
    const field = id && document.getElementById(id);
    if (!field) return;
    field.focus({ preventScroll: true });
    if (selectionStart != null && field.type === 'text') field.setSelectionRange(selectionStart, selectionEnd);
  });
}
