// Keeps "3 min ago" true while the page is open. The words are those of the server.
export function words(then, now = Date.now()) {
  const seconds = Math.trunc((now - then) / 1000);
  const distance = Math.abs(seconds);
  let text;
  if (distance < 45) return 'just now';
  if (distance < 5400) text = `${Math.max(1, Math.trunc((distance + 30) / 60))} min`;
  else if (distance < 129600) text = `${Math.trunc((distance + 1800) / 3600)} h`;
  else if (distance < 2592000) text = `${Math.trunc((distance + 43200) / 86400)} days`;
  else return null;
  return seconds < 0 ? `in ${text}` : `${text} ago`;
}

export function start(elements) {
  const show = () => {
    for (const element of elements) {
      const text = words(Date.parse(element.dateTime));
      if (text !== null && element.textContent !== text) element.textContent = text;
    }
  };
  setInterval(show, 30_000);
}
