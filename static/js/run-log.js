// Follows a run: lines, steps and durations as they happen; when it waits for somebody or is over, the server's own page
// takes the place.
export function start([run]) {
  const log = run.querySelector('[data-run-log]');
  const progress = run.querySelector('[data-run-progress]');
  const count = run.querySelector('[data-run-count]');
  const began = new Map();
  const source = new EventSource(`${run.dataset.run}?after=${run.dataset.after}`);

  const write = ({ time, text, head, bad }) => {
    const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    const line = document.createElement('div');
    line.className = `log__line${bad ? ' log__line--bad' : ''}${head ? ' log__line--head' : ''}`;
    const clock = document.createElement('span');
    clock.className = 'log__time';
    clock.textContent = time;
    const words = document.createElement('span');
    words.textContent = text;
    line.append(clock, words);
    log.append(line);
    if (follows) log.scrollTop = log.scrollHeight;
  };

  const mark = ({ id, word, icon, label }, at) => {
    const row = run.querySelector(`[data-step="${CSS.escape(id)}"]`);
    if (!row) return;
    row.className = `step step--${word}`;
    const use = row.querySelector('use');
    use.setAttribute('href', use.getAttribute('href').replace(/#.*/, `#${icon}`));
    row.querySelector('.step__name .only-heard').textContent = `: ${label}`;
    if (word === 'processing') began.set(id, at);
    else if (began.has(id) && word !== 'skipped') row.querySelector('[data-step-time]').textContent = duration(at - began.get(id));
    const over = run.querySelectorAll('.step:not(.step--open, .step--processing)').length;
    progress.value = over;
    count.textContent = `${over} of ${progress.max}`;
  };

  source.addEventListener('log', (event) => {
    const body = JSON.parse(event.data);
    write(body);
    if (body.step) mark(body.step, body.at);
    // There is something to decide on the page now, or no longer.
    if (body.waiting !== undefined) {
      source.close();
      refresh();
    }
  });
  source.addEventListener('completion', (event) => {
    source.close();
    write(JSON.parse(event.data));
    refresh();
  });
  // The browser tries again by itself, from the last event it saw. A closed stream means that the server refused.
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) location.reload();
  });
  log.scrollTop = log.scrollHeight;
}

/** Puts the server's page of the run in place without losing the scroll position. */
async function refresh() {
  const answer = await fetch(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const main = document.querySelector('main');
  main.replaceChildren(...page.querySelector('main').childNodes);
  document.title = page.title;
  const said = main.querySelector('[data-run-said]');
  const state = main.querySelector('[data-run-state]')?.textContent.trim();
  if (said) said.textContent = `Run: ${state}`;
  const log = main.querySelector('[data-run-log]');
  if (log) log.scrollTop = log.scrollHeight;
  const { enliven } = await import('./portal.js');
  enliven(main);
}

function duration(milliseconds) {
  if (milliseconds < 1000) return `${Math.max(0, milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(Math.trunc(milliseconds / 100) / 10).toFixed(1)} s`;
  return `${Math.trunc(milliseconds / 60_000)} min ${Math.trunc((milliseconds % 60_000) / 1000)} s`;
}
