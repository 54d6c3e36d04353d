// Fetches a part of the page that takes longer than the rest: from the page at `data-late`, the element of the same id.
// Where that one says `data-late-again`, something in it is still moving, and it is fetched again after a while.
const PAUSE = 5000;

export function start(parts) {
  for (const part of parts) {
    if ('lateAgain' in part.dataset) again(part);
    else fill(part);
  }
}

function again(part) {
  setTimeout(() => {
    if (!part.isConnected) return;
    // Nobody looks, or somebody is about to press something in it.
    if (document.hidden || part.contains(document.activeElement)) again(part);
    else fill(part);
  }, PAUSE);
}

async function fill(part) {
  try {
    const answer = await fetch(part.dataset.late);
    // The session is over: the page itself leads to the sign-in.
    if (answer.redirected) return location.reload();
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const found = page.getElementById(part.id);
    if (!found) throw new Error(page.querySelector('main')?.innerText.trim() ?? answer.statusText);
    for (const name of ['data-late', 'data-late-again']) {
      if (found.hasAttribute(name)) part.setAttribute(name, found.getAttribute(name));
      else part.removeAttribute(name);
    }
    part.className = found.className;
    part.replaceChildren(...found.childNodes);
    part.removeAttribute('aria-busy');
    const { enliven } = await import('./portal.js');
    await enliven(part);
    if ('lateAgain' in part.dataset) again(part);
  } catch (error) {
    // What is there stays; where nothing is yet, the reason stands in its place.
    if (part.getAttribute('aria-busy') !== 'true') {
      if ('lateAgain' in part.dataset) again(part);
      return;
    }
    const told = document.createElement('p');
    told.className = 'card__body muted break';
    told.textContent = `This part cannot be shown now: ${error.message}`;
    part.replaceChildren(told);
    part.removeAttribute('aria-busy');
  }
}
