// A cluster for tests in other languages: starts one, writes where it is as JSON, and stays until it is told to end.
//
//   node tests/cluster/cluster.mjs start --name east --out FILE [--nodes 1] [--argo] [--argo-controller]
//     [--folder DIR] [--with-input]
//
// FILE appears whole, once the cluster is ready; without `--out` the JSON is the one line printed. The process ends, and the
// cluster with it, at SIGTERM or SIGINT, and with `--with-input` also when its input ends. What the JSON calls `control` is
// an address for what a test does to the cluster; README.md lists it.
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { startArgo } from './argocd.mjs';
import { start } from './cluster.mjs';

const BODY_LIMIT = 1 << 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: 'string', default: 'test' }, out: { type: 'string' }, nodes: { type: 'string', default: '1' }, argo: { type: 'boolean', default: false },
    'argo-controller': { type: 'boolean', default: false },
    folder: { type: 'string' }, 'with-input': { type: 'boolean', default: false },
  },
});
if (positionals[0] !== 'start') {
  process.stderr.write('usage: cluster.mjs start --name NAME --out FILE [--nodes N] [--argo] [--argo-controller] [--folder DIR] [--with-input]\n');
  process.exit(2);
}

const ended = new Promise((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, resolve);
  if (values['with-input']) process.stdin.once('end', resolve).resume();
});
let cluster;
ended.then(() => { if (!cluster) process.exit(0); });
cluster = await start({ name: values.name, nodes: Number(values.nodes), argo: values.argo || values['argo-controller'], folder: values.folder });
const token = await cluster.token('greenroom', 'default', 'cluster-admin', { seconds: 24 * 3600 });

const argo = values['argo-controller'] ? await startArgo(cluster) : undefined;

const actions = {
  'GET /': () => described(),
  'GET /logs': () => cluster.logs(),
  'GET /argo/problems': () => argo?.problems ?? [],
  'POST /server/kill': () => cluster.killServer(),
  'POST /server/start': () => cluster.startServer(),
  'POST /compact': () => cluster.compact(),
  'POST /pod-log': ({ text }) => cluster.writePodLog(text),
  'POST /token': async ({ account, namespace, rbac, seconds }) => ({ token: await cluster.token(account, namespace, rbac, { seconds }) }),
};

const control = createServer(async (request, response) => {
  const action = actions[`${request.method} ${request.url}`];
  const send = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? {}));
  if (!action) return send(404, { error: `there is only ${Object.keys(actions).join(', ')}` });
  try {
    return send(200, await action(await bodyOf(request)));
  } catch (error) {
    return send(500, { error: error.message });
  }
});
await new Promise((resolve) => control.listen(0, '127.0.0.1', resolve));

const text = JSON.stringify(described());
if (values.out) {
  writeFileSync(`${values.out}.part`, text, { mode: 0o600 });
  renameSync(`${values.out}.part`, values.out);
} else {
  process.stdout.write(`${text}\n`);
}
await ended;
await argo?.stop();
await cluster.stop();
process.exit(0);

function described() {
  const { name, url, ca, kubeconfig, folder, pids, keys } = cluster;
  return { name, url, ca, caFile: keys.ca, kubeconfig, token, pids, folder, control: `http://127.0.0.1:${control.address().port}` };
}

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > BODY_LIMIT) throw new Error(`the body is over ${BODY_LIMIT} bytes`);
  }
  return text === '' ? {} : JSON.parse(text);
}
