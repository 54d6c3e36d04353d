// The content of the page may be exchanged for another without leaving the document: who listens outside of it, or keeps a
// connection, does so until `signal()` says that it is gone.
let ending = new AbortController();
let ahead = false;

export const signal = () => ending.signal;

/** Whether the content is from before somebody asked for it: what changed since then it does not know. */
export const isFromBefore = () => ahead;

/** Puts other content in its place. */
export async function exchange(other, title, isAhead) {
  ending.abort();
  ending = new AbortController();
  ahead = isAhead;
  const content = document.getElementById('content');
  content.className = other.className;
  content.replaceChildren(...other.childNodes);
  document.title = title;
  const { enliven } = await import('./portal.js');
  await enliven(content);
}
