// A second click on Create does not send the form again. (The server would give the same run anyway.)
export function start(forms) {
  for (const form of forms) {
    form.addEventListener('submit', () => {
      for (const button of form.querySelectorAll('button')) button.setAttribute('aria-disabled', 'true');
      form.addEventListener('submit', (event) => event.preventDefault());
    }, { once: true });
  }
  // Coming back with the browser's Back button shows a kept page.
  addEventListener('pageshow', (event) => {
    if (event.persisted) location.reload();
  });
}
