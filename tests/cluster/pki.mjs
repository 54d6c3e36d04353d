// The keys and certificates of one cluster: a CA of its own, the API server's certificate, an administrator's, and the key
// that service account tokens are signed with. Made anew for every cluster, so none is ever worth anything elsewhere.
import { createSign, generateKeyPairSync, webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { load } from '../portal.mjs';

load('reflect-metadata'); // what the next wants to be there before it
const x509 = load('@peculiar/x509');
x509.cryptoProvider.set(webcrypto);

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY = 24 * 60 * 60 * 1000;

/** Writes `ca.crt`, `apiserver.{crt,key}`, `admin.{crt,key}` and `sa.{pub,key}` into a folder, and answers where they are. */
export async function writeKeys(folder, name) {
  const file = (of) => path.join(folder, of);
  const authority = await authorityOf(name);
  writeFileSync(file('ca.crt'), authority.certificate.toString('pem'));
  await issue(authority, {
    to: file('apiserver'), subject: 'CN=kube-apiserver', usage: [x509.ExtendedKeyUsage.serverAuth],
    names: [['ip', '127.0.0.1'], ['ip', '10.96.0.1'], ['dns', 'localhost'], ['dns', 'kubernetes.default.svc']],
  });
  await issue(authority, { to: file('admin'), subject: 'O=system:masters, CN=admin', usage: [x509.ExtendedKeyUsage.clientAuth] });
  const accounts = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
  writeFileSync(file('sa.pub'), accounts.publicKey);
  writeFileSync(file('sa.key'), accounts.privateKey, { mode: 0o600 });
  return {
    ca: file('ca.crt'), accountsPublic: file('sa.pub'), accountsPrivate: file('sa.key'),
    server: { certificate: file('apiserver.crt'), key: file('apiserver.key') },
    admin: { certificate: file('admin.crt'), key: file('admin.key') },
  };
}

/** A token as the API server would sign it; for lifetimes it does not grant, such as one that is over. */
export function signToken(key, claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(key, 'base64url')}`;
}

async function authorityOf(name) {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(), name: `CN=${name} test CA`, keys, signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { keys, certificate };
}

async function issue(authority, { to, subject, usage, names = [] }) {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const extensions = [
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension(usage),
    await x509.AuthorityKeyIdentifierExtension.create(authority.keys.publicKey),
  ];
  if (names.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(names.map(([type, value]) => ({ type, value }))));
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(), subject, issuer: authority.certificate.subject, publicKey: keys.publicKey, signingKey: authority.keys.privateKey,
    signingAlgorithm: ALGORITHM, extensions,
  });
  writeFileSync(`${to}.crt`, certificate.toString('pem'));
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  writeFileSync(`${to}.key`, `-----BEGIN PRIVATE KEY-----\n${key.match(/.{1,64}/g).join('\n')}\n-----END PRIVATE KEY-----\n`, { mode: 0o600 });
}

/** From a day ago, for clocks that disagree, for a month. */
function validity() {
  return { notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + 30 * DAY) };
}
