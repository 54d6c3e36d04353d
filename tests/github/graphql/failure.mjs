// What a field answers instead of a value, in GitHub's words and with its type.
export class Failure extends Error {
  constructor(type, message, extensions) {
    super(message);
    this.type = type;
    this.extensions = extensions;
  }
}

export const notFound = (message) => new Failure('NOT_FOUND', message);
