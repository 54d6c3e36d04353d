// Answers what Nunjitsu, the engine of Backstage's scaffolder, makes of a template. Used by the differential test.
//
// usage: node oracle.mjs <folder that holds nunjitsu>
// in:  JSON lines {id, source, context?, mode: "render" | "value", cookiecutter?, trim?, lstrip?};
//      a context stays in force until the next one.
// out: JSON lines {id, result?} or {id, error}; no result is undefined.
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const { createTemplateRenderer } = await import(pathToFileURL(join(process.argv[2], 'nunjitsu/dist/index.js')).href);

// Half of a surrogate pair cannot be written as UTF-8: both sides show U+FFFD.
const wellFormed = value => {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return Array.from(value, wellFormed);
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key.toWellFormed(), wellFormed(item)]));
  }
  return value;
};

const renderers = new Map();
const rendererFor = request => {
  const options = {
    allowRegexExecution: true,
    cookiecutterCompat: request.cookiecutter === true,
    trimBlocks: request.trim === true,
    lstripBlocks: request.lstrip === true,
  };
  const key = JSON.stringify(options);
  if (!renderers.has(key)) renderers.set(key, createTemplateRenderer(options));
  return renderers.get(key);
};

let context = {};
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  context = request.context ?? context;
  const answer = { id: request.id };
  try {
    const renderer = rendererFor(request);
    const result = request.mode === 'value'
      ? renderer.renderValue(request.source, context)
      : renderer.render(request.source, context);
    answer.result = wellFormed(result);
  } catch (error) {
    answer.error = String(error.message);
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
