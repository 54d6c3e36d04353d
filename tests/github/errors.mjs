// Answers that are not a success, with the words GitHub uses.
export class Halt extends Error {
  constructor(status, body, headers = {}) {
    super(typeof body === 'string' ? body : body.message);
    this.status = status;
    this.body = typeof body === 'string' ? { message: body } : body;
    this.headers = headers;
  }
}

export const notFound = () => new Halt(404, 'Not Found');
export const badCredentials = () => new Halt(401, 'Bad credentials');
export const forbidden = (message, headers) => new Halt(403, message, headers);
export const notAccessible = () => new Halt(403, 'Resource not accessible by integration');
export const archived = () => new Halt(403, 'Repository was archived so is read-only.');
export const emptyRepository = () => new Halt(409, 'Git Repository is empty.');

/** A refused value: `invalid({resource: 'Repository', field: 'name', code: 'custom', message: …})`. */
export const invalid = (...errors) => new Halt(422, { message: 'Validation Failed', errors });
/** A refusal that says one thing only. */
export const unprocessable = (message) => new Halt(422, message);
