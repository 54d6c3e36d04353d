// The official clients, pointed at a world of the model.
import { loadModule } from './packages.mjs';

const { Octokit } = await loadModule('@octokit/core');
const { createAppAuth } = await loadModule('@octokit/auth-app');

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const options = (world) => ({ baseUrl: world.apiUrl, userAgent: 'model-test', log: quiet });

/** A client with a person's token, or with none. */
export const personal = (world, token) => new Octokit({ ...options(world), ...(token ? { auth: token } : {}) });

/** The app's client: `app` acts as the app itself, `installation` as one of its installations. */
export function appClient(world, index) {
  const auth = {
    appId: world.app.id,
    privateKey: world.app.privateKey,
    ...(index === undefined ? {} : { installationId: world.app.installations[index].id }),
  };
  return new Octokit({ ...options(world), authStrategy: createAppAuth, auth });
}

/** The status and body of a request that is expected to fail. */
export async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    if (error.status === undefined) throw error;
    return { status: error.status, message: error.message, headers: error.response?.headers ?? {}, data: error.response?.data };
  }
  throw new Error('the request succeeded');
}
