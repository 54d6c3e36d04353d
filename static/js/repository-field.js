// Shows the URL while a repository is chosen, and asks only for what repositories at its host have.
export function start(fields) {
  for (const field of fields) {
    const shown = field.querySelector('[data-repository-shown]');
    const host = field.querySelector('[name$=".host"]');
    const token = field.querySelector('[data-token]');
    const show = () => {
      const chosen = host.selectedOptions?.[0] ?? host;
      let url = chosen.dataset.pattern;
      for (const part of field.querySelectorAll('[data-part]')) {
        const key = part.dataset.part;
        const value = part.querySelector('[name]').value.trim();
        part.hidden = !url.includes(`{${key}}`);
        url = url.replace(`{${key}}`, value || `<${key === 'repo' ? 'repository' : key}>`);
      }
      shown.textContent = url;
      if (token && host.selectedOptions) token.hidden = chosen.dataset.takesToken === undefined;
    };
    field.addEventListener('input', show);
    show();
  }
}
