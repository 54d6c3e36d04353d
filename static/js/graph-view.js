// Zoom and pan of a drawing. The stylesheet fits it to its frame, before this runs; without scripts it has its own size and
// scrolls, and all links work.
const STEP = 1.2;
const LEAST = 0.2;
const MOST = 3;

export function start(views) {
  for (const view of views) watch(view);
}

function watch(view) {
  const drawing = view.querySelector('.graph');
  const [, , width, height] = drawing.getAttribute('viewBox').split(' ').map(Number);
  const tools = view.closest('section')?.querySelector('[data-graph-tools]');

  /** Makes the drawing larger or smaller, and keeps the point of the view where it is. */
  const zoom = (factor, x = view.clientWidth / 2, y = view.clientHeight / 2) => {
    const before = drawing.getBoundingClientRect();
    const frame = view.getBoundingClientRect();
    const across = (frame.left + x - before.left) / before.width;
    const down = (frame.top + y - before.top) / before.height;
    const scale = Math.min(MOST, Math.max(LEAST, before.width / width * factor));
    view.classList.add('graph-view--zoomed');
    drawing.setAttribute('width', Math.round(width * scale));
    drawing.setAttribute('height', Math.round(height * scale));
    const after = drawing.getBoundingClientRect();
    view.scrollLeft += after.left + across * after.width - (frame.left + x);
    view.scrollTop += after.top + down * after.height - (frame.top + y);
  };
  /** As the stylesheet fits it; what does not fit shows the entities that the graph starts from. */
  const fit = () => {
    view.classList.remove('graph-view--zoomed');
    drawing.setAttribute('width', width);
    drawing.setAttribute('height', height);
    const root = drawing.querySelector('.graph__node--root')?.getBoundingClientRect();
    if (!root) return;
    const frame = view.getBoundingClientRect();
    view.scrollLeft += root.left + root.width / 2 - frame.left - view.clientWidth / 2;
    view.scrollTop += root.top + root.height / 2 - frame.top - view.clientHeight / 2;
  };

  fit();
  if (tools) {
    tools.addEventListener('click', (event) => {
      const wanted = event.target.closest('[data-zoom]')?.dataset.zoom;
      if (wanted === 'in') zoom(STEP);
      if (wanted === 'out') zoom(1 / STEP);
      if (wanted === 'fit') fit();
    });
  }
  view.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '+' || event.key === '=') zoom(STEP);
    else if (event.key === '-') zoom(1 / STEP);
    else if (event.key === '0') fit();
    else return;
    event.preventDefault();
  });
  view.addEventListener('wheel', (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const frame = view.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 300), event.clientX - frame.left, event.clientY - frame.top);
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
