// The model of GitHub beside a portal that works with it.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { root } from '../portal.mjs';

/** Starts the model with one world in it. `event` does something as a person there would; `stop` ends it. */
export async function startGitHub(wanted) {
  const child = spawn(process.execPath, [path.join(root, 'tests/github/serve.mjs')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (first) => resolve([first]));
    child.once('exit', (code) => reject(new Error(`the model of GitHub ended with code ${code}`)));
  });
  const control = /(http:\/\/\S+)/.exec(line)[1];
  const ask = async (where, options) => {
    const answer = await fetch(`${control}/${where}`, options);
    if (!answer.ok) throw new Error(`${where}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const post = (where, body) => ask(where, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const world = await post('worlds', wanted);
  const host = new URL(world.url).host;
  return {
    url: world.url,
    host,
    /** `integrations.github` of a portal that is the App. */
    integration: { host, apiBaseUrl: world.apiUrl, apps: [{ appId: world.app.id, privateKey: world.app.privateKey, webhookSecret: world.app.webhookSecret }] },
    event: (event) => post(`worlds/${world.id}/events`, event),
    violations: () => ask(`worlds/${world.id}/violations`),
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.stdin.end();
      await ended;
    },
  };
}
