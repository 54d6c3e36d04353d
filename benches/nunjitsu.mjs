// How fast Nunjitsu, the engine of Backstage's scaffolder, renders a file: node nunjitsu.mjs NODE_MODULES FILE SECONDS.
// Prints bytes of source in a second.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, file, seconds] = process.argv.slice(2);
const { createTemplateRenderer } = await import(pathToFileURL(join(modules, 'nunjitsu/dist/index.js')).href);
const renderer = createTemplateRenderer({});
const source = readFileSync(file, 'utf8');
const context = { values: { name: 'payments', owner: 'group:default/payments', port: 8080 } };
const render = () => renderer.render(source, context);
render();
const begin = performance.now();
let times = 0;
while (performance.now() - begin < Number(seconds) * 1000) {
  render();
  times += 1;
}
console.log((source.length * times) / ((performance.now() - begin) / 1000));
