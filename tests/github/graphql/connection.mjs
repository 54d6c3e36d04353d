// A list that is read page by page.
const encode = (key, index) => Buffer.from(`cursor:v2:${index}:${key}`).toString('base64');

/** Where a cursor stands: by its item, and by its place when that is gone. */
function placeOf(cursor, keys) {
  const [, , index, ...key] = Buffer.from(cursor, 'base64').toString('utf8').split(':');
  const found = keys.indexOf(key.join(':'));
  return found >= 0 ? found : Number(index);
}

/** `make` turns an item into its object, `edge` adds to its edge. */
export function connection(items, { first, last, after, before }, { key, make, edge = () => ({}), more = {} }) {
  const keys = items.map((item) => String(key(item)));
  let start = after ? placeOf(after, keys) + 1 : 0;
  let end = before ? placeOf(before, keys) : items.length;
  if (typeof first === 'number') end = Math.min(end, start + first);
  else if (typeof last === 'number') start = Math.max(start, end - last);
  const page = items.slice(start, end).map((item, index) => ({ item, cursor: encode(keys[start + index], start + index) }));
  return {
    totalCount: items.length,
    nodes: () => page.map(({ item }) => make(item)),
    edges: () => page.map(({ item, cursor }) => ({ cursor, node: () => make(item), ...edge(item) })),
    pageInfo: {
      hasNextPage: end < items.length,
      hasPreviousPage: start > 0,
      startCursor: page[0]?.cursor ?? null,
      endCursor: page.at(-1)?.cursor ?? null,
    },
    ...more,
  };
}
