// A list with choices: one box for all of them, and arrow keys (or j and k) from row to row, x to choose.
let listening = false;

export function start(lists) {
  for (const list of lists) {
    const all = list.querySelector('[data-choose-all]');
    const boxes = () => [...list.querySelectorAll('[name="entity"]')];
    if (all) {
      all.hidden = false;
      all.addEventListener('change', () => { for (const box of boxes()) box.checked = all.checked; });
    }
    list.addEventListener('change', () => {
      const chosen = boxes().filter((box) => box.checked).length;
      if (all) { all.checked = chosen > 0 && chosen === boxes().length; all.indeterminate = chosen > 0 && !all.checked; }
    });
  }
  // The list may come again as the catalog changes.
  if (listening) return;
  listening = true;
  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest?.('input:not([type="checkbox"]), textarea, select, [contenteditable], dialog');
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    const rows = [...document.querySelectorAll('[data-list] tbody tr')];
    const here = rows.indexOf(document.activeElement.closest('[data-list] tbody tr'));
    // Arrows scroll the page until somebody is in the list.
    if (step && (here >= 0 || event.key.length === 1)) {
      const next = rows[Math.min(Math.max(here + step, 0), rows.length - 1)];
      next?.querySelector('.table__name a')?.focus();
      event.preventDefault();
    } else if (event.key === 'x' && here >= 0) {
      rows[here].querySelector('[name="entity"]')?.click();
    }
  });
}
