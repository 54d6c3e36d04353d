// Adds the lines of a container's log as they are written; keeps to the end unless somebody has scrolled up.
import { signal } from './content.js';

const MOST = 5000;

export function start(logs) {
  for (const log of logs) {
    log.scrollTop = log.scrollHeight;
    const events = new EventSource(log.dataset.lines);
    events.addEventListener('line', ({ data }) => {
      const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
      const line = document.createElement('div');
      line.textContent = data;
      log.querySelector('[data-nothing]')?.remove();
      log.append(line);
      while (log.childElementCount > MOST) log.firstElementChild.remove();
      if (follows) log.scrollTop = log.scrollHeight;
    });
    // The container is over, or it cannot be followed: coming back would bring nothing.
    events.addEventListener('end', () => events.close());
    addEventListener('pagehide', () => events.close(), { signal: signal() });
    signal().addEventListener('abort', () => events.close());
  }
}
