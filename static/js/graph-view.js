// Zoom and pan of a drawing. Without it the drawing scrolls, and all links work.
const STEP = 1.2;
const LEAST = 0.2;
const MOST = 3;

export function start(views) {
  for (const view of views) watch(view);
}

function watch(view) {
  const drawing = view.querySelector('svg');
  const [, , width, height] = drawing.getAttribute('viewBox').split(' ').map(Number);
  const tools = view.closest('section')?.querySelector('[data-graph-tools]');
  let scale = 1;

  /** Makes the drawing larger or smaller, and keeps the point of the view where it is. */
  const zoom = (wanted, x = view.clientWidth / 2, y = view.clientHeight / 2) => {
    const next = Math.min(MOST, Math.max(LEAST, wanted));
    const before = drawing.getBoundingClientRect();
    const frame = view.getBoundingClientRect();
    const across = (frame.left + x - before.left) / before.width;
    const down = (frame.top + y - before.top) / before.height;
    scale = next;
    drawing.setAttribute('width', Math.round(width * scale));
    drawing.setAttribute('height', Math.round(height * scale));
    const after = drawing.getBoundingClientRect();
    view.scrollLeft += after.left + across * after.width - (frame.left + x);
    view.scrollTop += after.top + down * after.height - (frame.top + y);
  };
  const fit = () => zoom(Math.min(1, (view.clientWidth - 24) / width, Math.max(320, window.innerHeight * 0.72) / height));

  fit();
  // Too small to read is no help: then the start of the graph is brought into view instead.
  if (scale < 0.55) {
    zoom(0.8);
    drawing.querySelector('.graph__node--root')?.scrollIntoView({ block: 'nearest', inline: 'center' });
    const root = drawing.querySelector('.graph__node--root')?.getBoundingClientRect();
    if (root) {
      const frame = view.getBoundingClientRect();
      view.scrollTop += root.top - frame.top - view.clientHeight / 2;
    }
    window.scrollTo(0, 0);
  }
  if (tools) {
    tools.hidden = false;
    tools.addEventListener('click', (event) => {
      const wanted = event.target.closest('[data-zoom]')?.dataset.zoom;
      if (wanted === 'in') zoom(scale * STEP);
      if (wanted === 'out') zoom(scale / STEP);
      if (wanted === 'fit') fit();
    });
  }
  view.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '+' || event.key === '=') zoom(scale * STEP);
    else if (event.key === '-') zoom(scale / STEP);
    else if (event.key === '0') fit();
    else return;
    event.preventDefault();
  });
  view.addEventListener('wheel', (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const frame = view.getBoundingClientRect();
    zoom(scale * Math.exp(-event.deltaY / 300), event.clientX - frame.left, event.clientY - frame.top);
  }, { passive: false });
  drag(view);
}

/** Moves the view with the mouse; a press that does not move stays a click. */
function drag(view) {
  let from = null;
  let moved = false;
  view.addEventListener('pointerdown', (event) => {
    if (event.pointerType !== 'mouse' || event.button !== 0) return;
    from = { x: event.clientX, y: event.clientY, left: view.scrollLeft, top: view.scrollTop };
    moved = false;
  });
  view.addEventListener('dragstart', (event) => event.preventDefault());
  window.addEventListener('pointermove', (event) => {
    if (!from) return;
    if (Math.hypot(event.clientX - from.x, event.clientY - from.y) > 4) moved = true;
    if (!moved) return;
    view.classList.add('graph-view--held');
    view.scrollLeft = from.left - (event.clientX - from.x);
    view.scrollTop = from.top - (event.clientY - from.y);
  });
  window.addEventListener('pointerup', () => {
    from = null;
    view.classList.remove('graph-view--held');
  });
  view.addEventListener('click', (event) => {
    if (moved) event.preventDefault();
    moved = false;
  }, true);
}
