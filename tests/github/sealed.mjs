// Secrets as GitHub takes them: sealed for a key of the repository or environment, opened only here.
import { load } from './packages.mjs';

const sodium = load('libsodium-wrappers');
await sodium.ready;

/** The key pair of a holder of secrets, made when it is first asked for. */
export function keyOf(world, holder) {
  holder.keyPair ??= { ...sodium.crypto_box_keypair(), id: `${568250167242549743n + BigInt(world.newId())}` };
  return { key_id: holder.keyPair.id, key: sodium.to_base64(holder.keyPair.publicKey, sodium.base64_variants.ORIGINAL) };
}

/** The text in a sealed box, or undefined when it was not made for this holder. */
export function open(holder, sealed) {
  try {
    const box = sodium.from_base64(sealed, sodium.base64_variants.ORIGINAL);
    return sodium.to_string(sodium.crypto_box_seal_open(box, holder.keyPair.publicKey, holder.keyPair.privateKey));
  } catch {
    return undefined;
  }
}

/** Seals a text as a client does. */
export function seal(text, key) {
  return sodium.to_base64(
    sodium.crypto_box_seal(sodium.from_string(text), sodium.from_base64(key, sodium.base64_variants.ORIGINAL)),
    sodium.base64_variants.ORIGINAL,
  );
}
