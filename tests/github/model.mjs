// Starts the model for tests that are written in JavaScript, and speaks to its control API.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A running model: `create` makes worlds, `stop` ends everything. */
export async function startModel() {
  const child = spawn(process.execPath, [path.join(path.dirname(fileURLToPath(import.meta.url)), 'serve.mjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
  });
  const [line] = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (text) => resolve([text]));
    child.once('exit', (code) => reject(new Error(`the model ended with code ${code}`)));
  });
  const url = line.replace('listening on ', '');
  return {
    url,
    create: async (spec) => new ModelWorld(url, await send(`${url}/worlds`, 'POST', spec)),
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

async function send(url, method, body) {
  const response = await fetch(url, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** One world, as the test that made it sees it from outside. */
export class ModelWorld {
  constructor(control, made) {
    Object.assign(this, made);
    this.control = `${control}/worlds/${made.id}`;
  }

  state = () => send(this.control, 'GET');
  requests = () => send(`${this.control}/requests`, 'GET');
  forget = () => send(`${this.control}/requests`, 'DELETE');
  violations = () => send(`${this.control}/violations`, 'GET');
  fault = (...faults) => send(`${this.control}/faults`, 'POST', faults);
  clearFaults = () => send(`${this.control}/faults`, 'DELETE');
  event = (event) => send(`${this.control}/events`, 'POST', event);
  deliveries = () => send(`${this.control}/deliveries`, 'GET');
  redeliver = (id) => send(`${this.control}/redeliver/${id}`, 'POST', {});
  advance = (seconds) => send(`${this.control}/clock`, 'POST', { advance: seconds });
  remove = () => send(this.control, 'DELETE');
}
