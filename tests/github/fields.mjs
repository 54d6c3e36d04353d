// Finds fields that a schema does not name, where JSON Schema itself would let any pass.
import { resolve, schemaAt } from './description.mjs';

const parts = new Map();

/** The schemas an object may follow: a schema with its allOf, anyOf and oneOf laid open. */
function open(pointer) {
  const start = resolve(pointer);
  const known = parts.get(start);
  if (known) return known;
  const found = [];
  parts.set(start, found);
  const seen = new Set();
  const visit = (place) => {
    const real = resolve(place);
    if (seen.has(real)) return;
    seen.add(real);
    const schema = schemaAt(real);
    if (!schema) return;
    found.push({ pointer: real, schema });
    for (const many of ['allOf', 'anyOf', 'oneOf']) (schema[many] ?? []).forEach((_, index) => visit(`${real}/${many}/${index}`));
  };
  visit(start);
  return found;
}

const escape = (text) => text.replaceAll('~', '~0').replaceAll('/', '~1');

/** Paths of the fields in `value` that no schema at the pointers names. `strict` also where the schema says that others may come. */
export function unknownFields(pointers, value, { strict = false } = {}, path = '') {
  if (value === null || typeof value !== 'object') return [];
  const schemas = pointers.flatMap((pointer) => open(pointer));
  if (Array.isArray(value)) {
    const items = schemas.filter(({ schema }) => schema.items).map(({ pointer }) => `${pointer}/items`);
    return items.length ? value.flatMap((item, index) => unknownFields(items, item, { strict }, `${path}/${index}`)) : [];
  }
  const named = schemas.some(({ schema }) => schema.properties && Object.keys(schema.properties).length > 0);
  const isOpen = schemas.some(
    ({ schema }) =>
      (typeof schema.additionalProperties === 'object' && Object.keys(schema.additionalProperties).length > 0) ||
      (!strict && schema.additionalProperties === true) ||
      (!strict && typeof schema.additionalProperties === 'object'),
  );
  const unknown = [];
  for (const [key, inner] of Object.entries(value)) {
    const next = schemas
      .filter(({ schema }) => schema.properties && Object.hasOwn(schema.properties, key))
      .map(({ pointer }) => `${pointer}/properties/${escape(key)}`);
    if (next.length) unknown.push(...unknownFields(next, inner, { strict }, `${path}/${key}`));
    else if (named && !isOpen) unknown.push(`${path}/${key}`);
  }
  return unknown;
}
