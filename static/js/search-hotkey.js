// `/` or Ctrl-K (Command-K) opens the palette, and so does a click on the search field. Without it the field asks the server.
export function start([field]) {
  const open = async () => {
    // What is typed before the palette is there goes into the field, and from there into the palette.
    field.focus();
    const { open: show } = await import('./palette.js');
    show(field);
    field.value = field.defaultValue;
  };
  document.addEventListener('keydown', (event) => {
    const writing = event.target.closest?.('input, textarea, select, [contenteditable]');
    const slash = event.key === '/' && !writing && !event.ctrlKey && !event.metaKey && !event.altKey;
    const chord = event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey);
    if (!slash && !chord) return;
    event.preventDefault();
    open();
  });
  field.addEventListener('click', open);
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && field.value === '') field.blur();
  });
  // So that the palette is there at once.
  (window.requestIdleCallback ?? setTimeout)(() => import('./palette.js').then(({ visit }) => visit()));
}
