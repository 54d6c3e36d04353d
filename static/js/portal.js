// Starts the behaviours that this page asks for by its attributes. Everything works without them.
const behaviours = {
  '[data-hotkey]': 'search-hotkey.js',
  '[data-ago]': 'relative-times.js',
  '[data-copy], [data-copy-from]': 'copy-buttons.js',
  '[data-filter]': 'live-filter.js',
  '[data-submit]': 'submit-on-change.js',
  '[data-combobox]': 'combobox.js',
  '[data-repository]': 'repository-field.js',
  '[data-changes]': 'changing-form.js',
  '[data-late]': 'late-part.js',
  '[data-lines]': 'pod-log.js',
  '[data-follow]': 'live-part.js',
  '.tabs__item, .facet__item, thead a': 'soft-links.js',
  'a.ref': 'hover-card.js',
  '[data-list]': 'chosen-rows.js',
  '[data-once]': 'submit-once.js',
  '[data-failed]': 'focus-errors.js',
  '[data-files]': 'file-browser.js',
  '[data-editor]': 'template-editor.js',
  '[data-live]': 'run-log.js',
  '[data-graph]': 'graph-view.js',
  '[data-headings]': 'docs-place.js',
};

/** Starts what is asked for below an element: the page, or a part of it that came later. Settles when all has started. */
export async function enliven(root) {
  const starting = [];
  for (const [selector, module] of Object.entries(behaviours)) {
    const elements = root.querySelectorAll(selector);
    if (elements.length > 0) {
      starting.push(import(`./${module}`).then(({ start }) => { start(elements); }));
    }
  }
  await Promise.all(starting);
}

// The mark is for whoever has to wait for the shortcuts, such as a test that presses them.
enliven(document).then(() => { document.documentElement.dataset.enlivened = ''; });
