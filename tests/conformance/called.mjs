// Which methods of a client are called, also by each other: a test that asserts it calls all of them asks here.

/** The client, which notes in `called` what is asked of it. */
export function noting(client, called) {
  return new Proxy(client, {
    get(target, name, receiver) {
      called.add(name);
      const value = Reflect.get(target, name, receiver);
      return typeof value === 'function' ? value.bind(receiver) : value;
    },
  });
}
