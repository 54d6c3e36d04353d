// Marks the heading that is being read in the list of this page's headings.
export function start([list]) {
  const links = new Map([...list.querySelectorAll('a')].map((link) => [decodeURIComponent(link.hash.slice(1)), link]));
  const headings = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
  const mark = () => {
    const passed = headings.filter((heading) => heading.getBoundingClientRect().top < 96);
    const atEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 4;
    const here = atEnd ? headings.at(-1) : passed.at(-1);
    for (const [id, link] of links) {
      if (id === here?.id) link.setAttribute('aria-current', 'location');
      else link.removeAttribute('aria-current');
    }
  };
  addEventListener('scroll', mark, { passive: true });
  mark();
}
