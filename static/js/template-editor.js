// Sends the editor's form in the background after a pause in typing, and puts the parts of the answer in place.
import { enliven } from './portal.js';

const PAUSE = 600;

export function start([form]) {
  new Editor(form);
}

class Editor {
  constructor(form) {
    this.form = form;
    this.text = form.querySelector('#text');
    this.said = form.querySelector('[data-editor-said]');
    this.number();
    form.addEventListener('input', (event) => {
      if (event.target.type === 'file') return;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.send(), PAUSE);
    });
    form.addEventListener('submit', (event) => {
      const button = event.submitter;
      if (!button || 'whole' in button.dataset || button.value === 'download') return;
      event.preventDefault();
      this.send(button);
    });
    form.addEventListener('click', (event) => {
      const place = event.target.closest('[data-line]');
      if (!place) return;
      event.preventDefault();
      this.jump(Number(place.dataset.line), Number(place.dataset.column));
    });
  }

  async send(button) {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    const body = new FormData(this.form);
    body.delete('_upload');
    body.append(button?.name || '_do', button?.value || 'run');
    this.form.setAttribute('aria-busy', 'true');
    try {
      const answer = await fetch(this.form.action, { method: 'POST', body, signal });
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const main = page.querySelector('main');
      if (answer.ok && page.querySelector('[data-editor]')) this.show(page);
      else this.say(main?.querySelector('.lede, p')?.textContent ?? `The portal answered ${answer.status}.`);
    } catch (error) {
      if (error.name === 'AbortError') return;
      this.say('The portal cannot be reached; the text is still here.');
    }
    this.form.removeAttribute('aria-busy');
  }

  show(page) {
    const focus = this.focused();
    for (const part of ['faults', 'form', 'result']) {
      const old = this.form.querySelector(`[data-part="${part}"]`);
      const fresh = page.querySelector(`[data-part="${part}"]`);
      if (part === 'form') keepPasswords(old, fresh);
      for (const eager of fresh.querySelectorAll('[autofocus]')) eager.removeAttribute('autofocus');
      old.replaceWith(fresh);
      enliven(fresh);
    }
    this.refocus(focus);
    const count = this.form.querySelectorAll('.fault--bad').length;
    this.say(count === 0 ? 'Checked: no mistake.' : `Checked: ${count} mistakes.`);
  }

  say(words) {
    this.said.textContent = words;
  }

  /** What has the focus, by its place in the form, for the element that will stand there. */
  focused() {
    const element = document.activeElement;
    const part = element.closest('[data-part]')?.dataset.part;
    if (!part) return null;
    const { id, name, value, selectionStart, selectionEnd } = element;
    return { part, id, name, value, selectionStart, selectionEnd };
  }

  refocus(focus) {
    if (!focus) return;
    const part = this.form.querySelector(`[data-part="${focus.part}"]`);
    const named = [...part.querySelectorAll('[name]')].filter((element) => element.name === focus.name && element.type !== 'hidden');
    const found = (focus.id && part.querySelector(`#${CSS.escape(focus.id)}`)) || named.find((element) => element.value === focus.value) || named[0];
    if (!found) return;
    found.focus({ preventScroll: true });
    if (focus.selectionStart == null || !found.setSelectionRange) return;
    try {
      found.setSelectionRange(focus.selectionStart, focus.selectionEnd);
    } catch {
      // A field of numbers has no selection.
    }
  }

  jump(line, column) {
    const lines = this.text.value.split('\n');
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    const at = Math.min(start + column - 1, this.text.value.length);
    this.text.focus();
    this.text.setSelectionRange(at, Math.min(start + (lines[line - 1]?.length ?? 0), this.text.value.length));
    const height = this.text.scrollHeight / Math.max(lines.length, 1);
    this.text.scrollTop = Math.max(0, (line - 4) * height);
    this.text.scrollIntoView({ block: 'nearest' });
  }

  /** Numbers beside the lines. */
  number() {
    const numbers = document.createElement('div');
    numbers.className = 'editor__lines';
    numbers.setAttribute('aria-hidden', 'true');
    this.form.querySelector('[data-editor-frame]').prepend(numbers);
    const write = () => {
      const count = this.text.value.split('\n').length;
      if (count === this.lines) return;
      this.lines = count;
      numbers.textContent = Array.from({ length: count }, (_, index) => index + 1).join('\n');
    };
    this.text.addEventListener('input', write);
    this.text.addEventListener('scroll', () => { numbers.scrollTop = this.text.scrollTop; });
    write();
  }
}

/** The server never sends a secret back, so what was typed is carried over. */
function keepPasswords(old, fresh) {
  for (const field of old.querySelectorAll('input[type="password"]')) {
    const next = field.id && fresh.querySelector(`#${CSS.escape(field.id)}`);
    if (next) next.value = field.value;
  }
}
