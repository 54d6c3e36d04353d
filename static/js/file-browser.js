// Shows a plan's file without loading the page again: the server's own page has the piece that is put in place.
export function start([browser]) {
  const place = browser.querySelector('[data-files-one]');
  const show = async (link) => {
    const answer = await fetch(link.href);
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const piece = page.querySelector('[data-files-one]');
    if (!piece) {
      location.assign(link.href);
      return;
    }
    place.replaceChildren(...piece.childNodes);
    browser.querySelector('.tree__file[aria-current]')?.removeAttribute('aria-current');
    link.setAttribute('aria-current', 'true');
    history.replaceState(null, '', link.href);
  };
  browser.addEventListener('click', (event) => {
    const link = event.target.closest('.tree__file');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    show(link).catch(() => location.assign(link.href));
  });
}
