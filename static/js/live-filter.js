// Narrows a list that is on the page while typing; Enter still asks the server.
export function start(fields) {
  for (const field of fields) {
    const items = document.querySelectorAll(field.dataset.filter);
    const narrow = () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const item of items) {
        const text = (item.dataset.text ?? item.textContent).toLowerCase();
        item.hidden = !words.every((word) => text.includes(word));
      }
    };
    field.addEventListener('input', narrow);
    narrow();
  }
}
