// Turns a long select into a field that is typed in, after the ARIA pattern "combobox with list autocomplete". The
// select stays in the form and holds the value.
const PAUSE = 150;

export function start(pickers) {
  for (const picker of pickers) new Combobox(picker);
}

class Combobox {
  constructor(picker) {
    this.select = picker.querySelector('select');
    if (this.select.disabled) return;
    this.options = [...this.select.options].filter((option) => !option.disabled);
    this.field = document.createElement('input');
    this.field.className = 'input';
    this.field.autocomplete = 'off';
    this.field.spellcheck = false;
    this.field.id = this.select.id;
    this.select.id = `${this.field.id}-select`;
    const attributes = { role: 'combobox', 'aria-expanded': 'false', 'aria-autocomplete': 'list', 'aria-controls': `${this.field.id}-options` };
    for (const [name, value] of Object.entries(attributes)) this.field.setAttribute(name, value);
    for (const name of ['aria-describedby', 'aria-invalid', 'required', 'placeholder']) {
      if (this.select.hasAttribute(name)) this.field.setAttribute(name, this.select.getAttribute(name));
    }
    this.source = picker.dataset.source;
    this.free = 'free' in picker.dataset;
    this.list = document.createElement('div');
    this.list.className = 'picker__list';
    this.list.id = `${this.field.id}-options`;
    this.list.setAttribute('role', 'listbox');
    this.list.setAttribute('aria-label', document.querySelector(`label[for="${this.field.id}"]`)?.firstChild?.textContent.trim() ?? 'Choices');
    this.list.hidden = true;
    this.select.required = false;
    this.select.hidden = true;
    picker.classList.add('picker--search');
    if (!this.field.placeholder) this.field.placeholder = 'Type to search';
    picker.append(this.field, this.list);
    this.reset();
    this.field.addEventListener('input', () => this.open(this.field.value));
    this.field.addEventListener('click', () => this.open(''));
    this.field.addEventListener('keydown', (event) => this.key(event));
    this.field.addEventListener('blur', () => this.close());
    // Pressing the mouse must not take the focus away before the click counts.
    this.list.addEventListener('mousedown', (event) => event.preventDefault());
    this.list.addEventListener('click', (event) => {
      const item = event.target.closest('[role="option"]');
      if (item) this.choose(this.shown[Number(item.dataset.index)]);
    });
  }

  reset() {
    const chosen = this.select.selectedOptions[0];
    this.field.value = chosen?.value ? chosen.label : '';
  }

  open(text) {
    this.render(text);
    if (this.source && text.trim() !== '') this.search(text);
  }

  /** Asks for options that the page does not list, after a pause in typing. */
  search(text) {
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      const answer = await fetch(`${this.source}&q=${encodeURIComponent(text)}`).catch(() => null);
      if (!answer?.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const known = new Set(this.options.map((option) => option.value));
      const fresh = [...page.querySelectorAll('option')].filter((option) => !known.has(option.value));
      this.select.append(...fresh);
      this.options.push(...fresh);
      if (fresh.length > 0 && this.field.value === text && !this.list.hidden) this.render(text);
    }, PAUSE);
  }

  render(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (option) => {
      const searched = `${option.label} ${option.value} ${option.dataset.hint ?? ''}`.toLowerCase();
      return words.every((word) => searched.includes(word));
    };
    this.shown = this.options.filter(fits).slice(0, 100);
    this.list.replaceChildren(...this.shown.map((option, index) => this.item(option, index)));
    if (this.shown.length === 0) {
      const none = document.createElement('div');
      none.className = 'picker__none';
      none.textContent = 'Nothing fits';
      this.list.append(none);
    }
    this.list.hidden = false;
    this.field.setAttribute('aria-expanded', 'true');
    const current = this.shown.indexOf(this.select.selectedOptions[0]);
    this.mark(words.length > 0 && this.shown.length > 0 ? 0 : current);
  }

  item(option, index) {
    const item = document.createElement('div');
    item.className = 'picker__option';
    item.id = `${this.list.id}-${index}`;
    item.dataset.index = index;
    item.setAttribute('role', 'option');
    item.setAttribute('aria-selected', 'false');
    item.append(option.label);
    if (option.dataset.hint) {
      const hint = document.createElement('span');
      hint.className = 'picker__hint';
      hint.textContent = option.dataset.hint;
      item.append(hint);
    }
    return item;
  }

  mark(index) {
    this.marked = index;
    for (const item of this.list.querySelectorAll('[role="option"]')) {
      const marked = Number(item.dataset.index) === index;
      item.setAttribute('aria-selected', String(marked));
      if (marked) {
        item.scrollIntoView({ block: 'nearest' });
        this.field.setAttribute('aria-activedescendant', item.id);
      }
    }
    if (index < 0) this.field.removeAttribute('aria-activedescendant');
  }

  key(event) {
    const closed = this.list.hidden;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (closed) return this.open('');
      const step = event.key === 'ArrowDown' ? 1 : -1;
      this.mark(Math.min(Math.max(this.marked + step, 0), this.shown.length - 1));
    } else if (event.key === 'Enter' && !closed) {
      event.preventDefault();
      if (this.marked >= 0) this.choose(this.shown[this.marked]);
    } else if (event.key === 'Escape' && !closed) {
      event.preventDefault();
      this.close();
    }
  }

  choose(option) {
    this.select.value = option.value;
    this.reset();
    this.select.dispatchEvent(new Event('change', { bubbles: true }));
    this.close();
  }

  /** Takes what is not listed as it was written. */
  write(text) {
    const chosen = this.select.selectedOptions[0];
    if (text === '' || text === chosen?.label) return;
    let option = this.options.find((each) => each.label === text || each.value === text);
    if (!option) {
      option = new Option(text, text);
      this.select.append(option);
      this.options.push(option);
    }
    if (option !== chosen) this.choose(option);
  }

  close() {
    // What was emptied chooses nothing, where that is a choice.
    if (this.field.value.trim() === '' && this.options.some((option) => option.value === '')) this.select.value = '';
    if (this.free) this.write(this.field.value.trim());
    this.list.hidden = true;
    this.field.setAttribute('aria-expanded', 'false');
    this.field.removeAttribute('aria-activedescendant');
    this.reset();
  }
}
