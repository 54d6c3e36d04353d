// Buttons that copy a text, or the text of another element. Without a script they stay hidden.
export function start(buttons) {
  if (!navigator.clipboard) return;
  for (const button of buttons) {
    button.hidden = false;
    button.addEventListener('click', async () => {
      const source = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
      const lines = source && [...source.querySelectorAll('.lines__text')].map((line) => line.textContent);
      await navigator.clipboard.writeText(lines ? lines.join('\n') : button.dataset.copy);
      const icon = button.querySelector('use');
      const before = icon.getAttribute('href');
      icon.setAttribute('href', before.replace(/#.*/, '#check'));
      button.title = 'Copied';
      setTimeout(() => {
        icon.setAttribute('href', before);
        button.title = 'Copy';
      }, 1500);
    });
  }
}
