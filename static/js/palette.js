// The palette: results while typing, by keyboard alone, after the ARIA pattern "combobox with list". The server finds and
// marks; this asks, shows, and lets go of what was asked before. Without words it lists what was looked at last, and the pages.
const SORTS = [['', 'Everything'], ['catalog', 'Catalog'], ['api', 'APIs'], ['docs', 'Docs'], ['template', 'Templates'], ['run', 'Runs']];
const RECENT = 'greenroom.recent';
const KEPT = 8;

let palette;

/** Opens the palette with what stands in a search field. */
export function open(field) {
  palette ??= new Palette(field.form.action);
  palette.open(field.value);
}

/** Notes the page, if it is about something. */
export function visit() {
  const kind = /^\/catalog\/[^/]+\/([^/]+)\/[^/]+/.exec(location.pathname)?.[1] ?? (/^\/docs\/./.test(location.pathname) ? 'docs' : null);
  const title = document.querySelector('h1')?.textContent.trim();
  if (!kind || !title) return;
  const href = kind === 'docs' ? location.pathname : location.pathname.split('/').slice(0, 5).join('/');
  const others = recent().filter((one) => one.href !== href);
  try {
    localStorage.setItem(RECENT, JSON.stringify([{ href, kind, title }, ...others].slice(0, KEPT)));
  } catch { /* A browser that keeps nothing has no recent pages. */ }
}

function recent() {
  try {
    const kept = JSON.parse(localStorage.getItem(RECENT) ?? '[]');
    return Array.isArray(kept) ? kept.filter((one) => typeof one?.href === 'string' && one.href.startsWith('/')) : [];
  } catch {
    return [];
  }
}

/** An element with attributes and content. */
function make(name, attributes, ...content) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...content);
  return element;
}

class Palette {
  constructor(address) {
    this.address = address;
    this.sort = 0;
    this.options = [];
    this.marked = 0;
    this.sprite = document.querySelector('.side use').getAttribute('href').split('#')[0];
    this.input = make('input', {
      class: 'palette__input', type: 'search', role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'palette-list', 'aria-autocomplete': 'list',
      'aria-label': 'Search everything', placeholder: 'Search everything', autocomplete: 'off', spellcheck: 'false', maxlength: '300',
    });
    this.sorts = make('div', { class: 'palette__sorts', role: 'tablist', 'aria-label': 'Sorts of results' });
    SORTS.forEach(([, label], at) => {
      const sort = make('button', { class: 'palette__sort', type: 'button', role: 'tab', tabindex: '-1', 'aria-controls': 'palette-list' }, label);
      sort.addEventListener('click', () => { this.turn(at); this.input.focus(); });
      this.sorts.append(sort);
    });
    this.list = make('div', { class: 'palette__list', id: 'palette-list', role: 'listbox', 'aria-label': 'Results' });
    this.said = make('p', { class: 'only-heard', role: 'status' });
    this.all = make('a', { href: address, tabindex: '-1' }, 'All results');
    const keys = make('span', { class: 'palette__keys' });
    keys.innerHTML = '<kbd>↑</kbd> <kbd>↓</kbd> move &nbsp; <kbd>↵</kbd> open &nbsp; <kbd>Tab</kbd> narrow &nbsp; <kbd>Esc</kbd> close';
    this.dialog = make('dialog', { class: 'palette', 'aria-label': 'Search' },
      make('div', { class: 'palette__field' }, this.icon('search'), this.input), this.sorts, this.list, this.said,
      make('div', { class: 'palette__foot' }, keys, this.all));
    document.body.append(this.dialog);
    this.input.addEventListener('input', () => this.ask());
    this.dialog.addEventListener('keydown', (event) => this.key(event));
    this.dialog.addEventListener('click', (event) => { if (event.target === this.dialog) this.dialog.close(); });
    this.list.addEventListener('mousemove', (event) => {
      const at = this.options.indexOf(event.target.closest('[role="option"]'));
      if (at >= 0 && at !== this.marked) this.mark(at, false);
    });
  }

  icon(name) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('class', 'icon');
    svg.setAttribute('aria-hidden', 'true');
    const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
    use.setAttribute('href', `${this.sprite}#${name}`);
    svg.append(use);
    return svg;
  }

  open(text) {
    if (this.dialog.open) return;
    document.querySelector('.side__menu:popover-open')?.hidePopover();
    this.input.value = text;
    this.dialog.showModal();
    // What comes next follows what was typed already.
    this.input.setSelectionRange(text.length, text.length);
    this.turn(0);
  }

  turn(at) {
    this.sort = (at + SORTS.length) % SORTS.length;
    [...this.sorts.children].forEach((sort, other) => sort.setAttribute('aria-selected', String(other === this.sort)));
    this.sorts.children[this.sort].scrollIntoView({ block: 'nearest', inline: 'nearest' });
    this.ask();
  }

  ask() {
    this.answering = this.answer();
  }

  /** Asks for what is typed; an answer that is not wanted any more is given up. */
  async answer() {
    this.asking?.abort();
    const text = this.input.value.trim();
    const asked = new URLSearchParams({ q: text, type: SORTS[this.sort][0] });
    this.all.href = `${this.address}?${asked}`;
    if (text === '' && this.sort === 0) return this.suggest();
    const asking = new AbortController();
    this.asking = asking;
    try {
      const answer = await fetch(`${this.address}/quick?${asked}`, { signal: asking.signal });
      // A session that is over leads to the page to sign in again.
      if (answer.redirected) return location.assign(answer.url);
      const html = await answer.text();
      if (asking.signal.aborted) return;
      if (!answer.ok) return this.show([make('p', { class: 'palette__hint' }, 'The search did not answer. Press Enter to try on its page.')]);
      const part = new DOMParser().parseFromString(html, 'text/html');
      this.show([...part.body.children]);
      if (this.options.length === 0) this.list.append(make('p', { class: 'palette__hint' }, 'Nothing fits.'));
    } catch (error) {
      if (error.name !== 'AbortError') this.show([make('p', { class: 'palette__hint' }, 'The portal cannot be reached.')]);
    }
  }

  /** Without words: what was looked at last, and the pages of the portal. */
  suggest() {
    const here = location.pathname.split('/').slice(0, 5).join('/');
    const seen = recent().filter((one) => one.href !== here);
    const pages = [...document.querySelectorAll('.nav__item')].map((item) => this.hit(
      item.href, item.querySelector('use').getAttribute('href').split('#')[1], item.textContent.trim(), 'Page'));
    const group = (label, hits) => (hits.length > 0 ? [make('p', { class: 'palette__group', role: 'presentation' }, label), ...hits] : []);
    this.show([
      ...group('Looked at last', seen.map((one) => this.hit(one.href, one.kind, one.title, one.kind === 'api' ? 'API' : one.kind))),
      ...group('Go to', pages),
    ]);
  }

  hit(href, icon, title, what) {
    return make('a', { class: 'hit', role: 'option', 'aria-selected': 'false', tabindex: '-1', href },
      make('span', { class: `kind kind--${icon}` }, this.icon(icon)), make('span', { class: 'hit__name clip' }, title), make('span', { class: 'hit__what' }, what));
  }

  show(elements) {
    this.list.replaceChildren(...elements);
    this.list.scrollTop = 0;
    this.options = [...this.list.querySelectorAll('[role="option"]')];
    this.options.forEach((option, at) => { option.id = `palette-${at}`; });
    this.said.textContent = this.options.length === 1 ? '1 result' : `${this.options.length} results`;
    this.mark(0, false);
  }

  mark(at, scrolls = true) {
    this.options[this.marked]?.setAttribute('aria-selected', 'false');
    this.marked = at;
    const option = this.options[at];
    if (!option) return this.input.removeAttribute('aria-activedescendant');
    option.setAttribute('aria-selected', 'true');
    this.input.setAttribute('aria-activedescendant', option.id);
    if (scrolls) option.scrollIntoView({ block: 'nearest' });
  }

  key(event) {
    const count = this.options.length;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (count > 0) this.mark((this.marked + (event.key === 'ArrowDown' ? 1 : count - 1)) % count);
    } else if (event.key === 'Tab') {
      event.preventDefault();
      this.turn(this.sort + (event.shiftKey ? -1 : 1));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      this.go(event.shiftKey, event.ctrlKey || event.metaKey);
    }
  }

  /** Opens what is marked once the answer to what is typed is there: until then the list is that of other words. */
  async go(toAll, inNewTab) {
    await this.answering;
    const target = (toAll ? null : this.options[this.marked])?.href ?? this.all.href;
    if (inNewTab) window.open(target, '_blank', 'noopener');
    else location.assign(target);
  }
}
