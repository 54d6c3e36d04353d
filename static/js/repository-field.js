// Shows the clone URL while owner and repository are typed.
export function start(fields) {
  for (const field of fields) {
    const shown = field.querySelector('[data-repository-shown]');
    const part = (name) => field.querySelector(`[name$=".${name}"]`)?.value.trim();
    const show = () => {
      const url = field.dataset.repository
        .replace('{owner}', encodeURIComponent(part('owner') || '<owner>'))
        .replace('{repo}', encodeURIComponent(part('repo') || '<repository>'));
      shown.textContent = decodeURIComponent(url);
    };
    field.addEventListener('input', show);
  }
}
