// Sends a page of a form whose questions depend on its answers after each answer, and puts the new questions in place.
// The answers are kept by that, too. Without it the page comes again when its answers ask for more.
import { enliven } from './portal.js';

export function start([form]) {
  let asking;
  form.addEventListener('change', async (event) => {
    if (event.target.type === 'password') return;
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    const sent = new Map([...fieldsOf(form)].map(([key, field]) => [key, answerOf(field)]));
    const body = new URLSearchParams(new FormData(form));
    body.set('_go', form.dataset.changes);
    try {
      const answer = await fetch(form.action, { method: 'POST', body, signal });
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const fresh = page.querySelector('[data-fields]');
      // It may have come just before somebody answered again.
      if (answer.ok && fresh && !signal.aborted) show(form.querySelector('[data-fields]'), fresh, sent);
    } catch (error) {
      // The answers are sent again with the page.
      if (error.name !== 'AbortError') form.removeAttribute('data-changes');
    }
  });
  form.addEventListener('submit', () => asking?.abort());
}

/** The fields of a part by what names them: their id, or their name and, of several, their place. */
function fieldsOf(part) {
  const fields = new Map();
  for (const field of part.querySelectorAll('input, select, textarea')) {
    let key = field.id || `${field.name}#0`;
    for (let place = 1; fields.has(key); place += 1) key = `${field.name}#${place}`;
    fields.set(key, field);
  }
  return fields;
}

const isChoice = (field) => field.type === 'checkbox' || field.type === 'radio';

const answerOf = (field) => (isChoice(field) ? field.checked : field.value);

function show(old, fresh, sent) {
  // What was answered since, and what only the browser knows, is carried over.
  const next = fieldsOf(fresh);
  for (const [key, field] of fieldsOf(old)) {
    const other = next.get(key);
    if (other?.type !== field.type || (field.type !== 'password' && answerOf(field) === sent.get(key))) continue;
    if (isChoice(field)) other.checked = field.checked;
    else other.value = field.value;
  }
  const typed = document.activeElement;
  const { id, selectionStart, selectionEnd } = old.contains(typed) ? typed : {};
  for (const eager of fresh.querySelectorAll('[autofocus]')) eager.removeAttribute('autofocus');
  old.replaceWith(fresh);
  enliven(fresh).then(() => {
    const field = id && document.getElementById(id);
    if (!field) return;
    field.focus({ preventScroll: true });
    if (selectionStart != null && field.type === 'text') field.setSelectionRange(selectionStart, selectionEnd);
  });
}
