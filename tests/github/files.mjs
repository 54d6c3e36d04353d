// What redirects lead to: archives of a repository, logs of workflows. Their addresses are good without a token, for a while.
import { randomBytes } from 'node:crypto';

/** An address for something that is made when it is asked for. */
export function offer(world, name, make) {
  world.offers ??= new Map();
  const key = randomBytes(16).toString('hex');
  world.offers.set(key, { make, until: world.clock.now() + 300_000 });
  return `${world.url}/_files/${key}/${encodeURIComponent(name)}`;
}

export async function serveFile(world, url, response) {
  const [, key, name] = /^\/_files\/([0-9a-f]+)\/(.+)$/.exec(url.pathname) ?? [];
  const found = key && world.offers?.get(key);
  if (!found || found.until < world.clock.now()) {
    response.writeHead(404, { 'content-type': 'text/plain' });
    response.end('Not Found');
    return;
  }
  const { type, content, stream } = await found.make();
  response.writeHead(200, { 'content-type': type, 'content-disposition': `attachment; filename=${decodeURIComponent(name)}` });
  if (stream) {
    stream.pipe(response);
    await new Promise((resolve) => {
      response.once('close', resolve);
    });
  } else response.end(content);
}
