// `/` or Ctrl-K (Command-K) goes to the search field; Escape leaves it.
export function start([field]) {
  document.addEventListener('keydown', (event) => {
    const writing = event.target.closest?.('input, textarea, select, [contenteditable]');
    const slash = event.key === '/' && !writing && !event.ctrlKey && !event.metaKey && !event.altKey;
    const chord = event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey);
    if (!slash && !chord) return;
    event.preventDefault();
    const menu = field.closest('[popover]');
    // On a phone the field is inside the closed menu.
    if (menu && !field.checkVisibility()) menu.showPopover();
    field.focus();
    field.select();
  });
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && field.value === '') field.blur();
  });
}
