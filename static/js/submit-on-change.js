// A filter's drop-down applies at once.
export function start(fields) {
  for (const field of fields) field.addEventListener('change', () => field.form.requestSubmit());
}
