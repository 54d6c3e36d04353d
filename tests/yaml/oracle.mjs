// Answers what npm `yaml`, the parser of Backstage's catalog, makes of a text. Used by the differential test.
//
// usage: node oracle.mjs <folder that holds yaml>
// in:  JSON lines {id, source}
// out: JSON lines {id, documents: [{value} | {error, line?, column?}]}; a text that cannot be read at all has one error.
//      As Backstage's `parseEntityYaml` does it: default options, a document's first error, `toJSON()`. A value that
//      contains itself is an error here: it has no JSON.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const { parseAllDocuments } = createRequire(join(process.argv[2], 'oracle.cjs'))('yaml');

// Half of a surrogate pair cannot be written as UTF-8: both sides show U+FFFD.
const wellFormed = (_, value) => {
  if (typeof value === 'string') return value.toWellFormed();
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key.toWellFormed(), item]));
};

const read = document => {
  const [error] = document.errors;
  if (error) return { error: error.code, line: error.linePos?.[0].line, column: error.linePos?.[0].col };
  try {
    return { value: JSON.parse(JSON.stringify(document.toJSON()), wellFormed) };
  } catch (error) {
    return { error: String(error.message) };
  }
};

const readAll = source => {
  try {
    return parseAllDocuments(source, { logLevel: 'silent' }).map(read);
  } catch (error) {
    return [{ error: String(error.message) }];
  }
};

// Not readline: it ends lines at U+2028 too.
for (const line of (await text(process.stdin)).split('\n')) {
  if (line === '') continue;
  const { id, source } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify({ id, documents: readAll(source) })}\n`);
}
