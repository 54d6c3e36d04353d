// What a test asked to go wrong, and on which requests.
const BEFORE = new Set(['cut-before', '500', '502', '403-secondary', '429', '401', '422', 'slow', 'hold']);
const AFTER = new Set(['cut-after', '500-after']);

export class Faults {
  constructor() {
    this.list = [];
    this.held = [];
  }

  add(faults) {
    for (const fault of [].concat(faults)) {
      if (!BEFORE.has(fault.kind) && !AFTER.has(fault.kind)) throw new Error(`a fault of kind ${fault.kind} is not known`);
      this.list.push({ ...fault, regex: new RegExp(fault.path ?? ''), left: fault.times ?? 1, skip: fault.skip ?? 0, seen: 0 });
    }
  }

  /** Forgets every fault, and lets go of what is held. */
  clear() {
    this.list = [];
    for (const release of this.held.splice(0)) release();
  }

  /** What a request waits for before it is done, or nothing. */
  pause(fault) {
    if (fault?.kind === 'slow')
      return () =>
        new Promise((resolve) => {
          setTimeout(resolve, fault.delayMs ?? 1000);
        });
    if (fault?.kind === 'hold')
      return () =>
        new Promise((resolve) => {
          this.held.push(resolve);
        });
    return undefined;
  }

  /** The fault that strikes this request, used up by it. */
  strike({ method, path, operationId }) {
    for (const fault of this.list) {
      if (fault.left <= 0 || !fault.regex.test(path)) continue;
      if (fault.method && fault.method.toUpperCase() !== method) continue;
      if (fault.operationId && fault.operationId !== operationId) continue;
      fault.seen += 1;
      if (fault.seen <= fault.skip) continue;
      fault.left -= 1;
      return { ...fault, after: AFTER.has(fault.kind) };
    }
    return undefined;
  }

  state() {
    return this.list.map(({ regex, ...fault }) => fault);
  }
}
