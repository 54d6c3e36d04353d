// The control API: makes worlds, looks into them, and lets things happen in them.
import { createServer } from 'node:http';
import { listen } from './server.mjs';
import { seed } from './seed.mjs';
import { worldState } from './state.mjs';
import { act } from './events.mjs';
import { World } from './world.mjs';

const worlds = new Map();
let last = 0;

/** Starts the control server and answers its address. */
export async function control() {
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      try {
        const text = Buffer.concat(chunks).toString('utf8');
        const { status = 200, body } = await route(
          request.method,
          new URL(request.url, 'http://control').pathname,
          text ? JSON.parse(text) : {},
        );
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(body === undefined ? '' : JSON.stringify(body));
      } catch (error) {
        response.writeHead(error.status ?? 400, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ message: error.message, stack: error.stack }));
      }
    });
  });
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${server.address().port}`;
}

async function route(method, path, body) {
  const [, first, id, what, ...rest] = path.split('/');
  if (first !== 'worlds') return missing();
  if (!id) return method === 'POST' ? { status: 201, body: await create(body) } : missing();
  const world = worlds.get(id);
  if (!world) return missing();
  if (!what && method === 'DELETE') {
    close(world);
    return { status: 204 };
  }
  if (!what) return { body: worldState(world) };
  const handler = ROUTES[`${method} ${what}`];
  return handler ? ((await handler(world, body, rest)) ?? { status: 204 }) : missing();
}

const missing = () => ({ status: 404, body: { message: 'no such thing' } });

const ROUTES = {
  'GET requests': (world) => ({ body: world.requests }),
  'DELETE requests': (world) => {
    world.requests.length = 0;
  },
  'GET violations': (world) => ({ body: world.violations }),
  'DELETE violations': (world) => {
    world.violations.length = 0;
  },
  'GET faults': (world) => ({ body: world.faults.state() }),
  'POST faults': (world, body) => {
    world.faults.add(body);
  },
  'DELETE faults': (world) => {
    world.faults.clear();
  },
  'POST clock': async (world, { advance = 0 }) => {
    await world.clock.advance(advance);
    return { body: { now: world.stamp() } };
  },
  'GET clock': (world) => ({ body: { now: world.stamp() } }),
  'POST limits': (world, body) => {
    Object.assign(world.limits.settings, body);
  },
  'POST events': async (world, body) => ({ body: (await act(world, body)) ?? {} }),
  'GET deliveries': (world) => world.deliveries.list(),
  'POST redeliver': async (world, body, [delivery]) => ({ body: await world.deliveries.redeliver(delivery) }),
};

async function create(spec) {
  last += 1;
  const world = new World(String(last), spec);
  worlds.set(world.id, world);
  try {
    await listen(world);
    seed(world, spec);
  } catch (error) {
    close(world);
    throw error;
  }
  const { app } = world;
  return {
    id: world.id,
    url: world.url,
    apiUrl: world.api,
    graphqlUrl: world.graphql,
    ...(app
      ? {
          app: {
            id: app.id,
            slug: app.slug,
            privateKey: app.privateKey,
            clientId: app.clientId,
            webhookSecret: app.webhookSecret,
            installations: app.installations.map(({ id, account }) => ({ id, account: account.login })),
          },
        }
      : {}),
  };
}

function close(world) {
  worlds.delete(world.id);
  world.server?.closeAllConnections();
  world.server?.close();
  world.close();
}

export function closeAll() {
  for (const world of worlds.values()) close(world);
}
