// Loads the packages that .ci/setup installs outside the tests' folder.
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const modules = process.env.GREENROOM_NODE_MODULES ?? path.join(root, 'build/node/node_modules');

/** Requires a package that can be required. */
export const load = createRequire(path.join(modules, 'index.js'));

/** Imports a package that is made of ES modules only. */
export function loadModule(name) {
  const manifest = load(path.join(modules, name, 'package.json'));
  const main = manifest.exports?.['.'] ?? manifest.exports ?? manifest.module ?? manifest.main;
  const file = typeof main === 'string' ? main : (main.import ?? main.default);
  return import(pathToFileURL(path.join(modules, name, file)));
}

/** The path of a file inside a package. */
export const packageFile = (name) => path.join(modules, name);
