import { createHash, webcrypto } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

/** `expired`, `wrong-host` and `self-signed` are for clients that must refuse them. */
export const certificateKinds = ['good', 'expired', 'wrong-host', 'self-signed'] as const;
export type CertificateKind = (typeof certificateKinds)[number];

export interface ServerCertificate {
  readonly certPem: string;
  readonly keyPem: string;
  /** RFC 5929 `tls-server-end-point`: SHA-256 of the certificate, which is signed with SHA-256. 32 bytes. */
  readonly endPoint: Buffer;
}

export interface CertificateAuthority {
  readonly caPem: string;
  /** @param hosts DNS names; 127.0.0.1, ::1 and localhost are always added, except for `wrong-host`. */
  issue(hosts: readonly string[], kind?: CertificateKind): Promise<ServerCertificate>;
}

// P-256, because a key of it takes a millisecond and an RSA key a second; every client of the lab speaks it.
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 86_400_000;

const serial = () => `01${Buffer.from(webcrypto.getRandomValues(new Uint8Array(15))).toString('hex')}`;
// The library's types are those of the browser; Node's implementation is the same interface.
const crypto = webcrypto as unknown as NonNullable<Parameters<typeof x509.X509CertificateGenerator.create>[1]>;
type KeyPair = Parameters<typeof x509.X509CertificateGenerator.createSelfSigned>[0]['keys'];

async function newKeys(): Promise<KeyPair> {
  return (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as unknown as KeyPair;
}

/**
 * The certificate authority of one run of the lab. Its key never leaves memory: whoever trusts the CA file trusts nothing
 * that can still be signed after the run.
 */
export async function createAuthority(nowMs: number): Promise<CertificateAuthority> {
  const keys = await newKeys();
  const caName = 'CN=Causeway lab CA, O=Causeway lab';
  const ca = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serial(),
      name: caName,
      notBefore: new Date(nowMs - dayMs),
      notAfter: new Date(nowMs + 30 * dayMs),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
      ],
    },
    crypto,
  );

  return {
    caPem: `${ca.toString('pem')}\n`,
    async issue(hosts, kind = 'good') {
      const own = await newKeys();
      const names = kind === 'wrong-host' ? ['elsewhere.invalid'] : [...hosts, 'localhost'];
      const subject = `CN=${names[0] ?? 'localhost'}, O=Causeway lab`;
      const common = {
        serialNumber: serial(),
        notBefore: new Date(nowMs - (kind === 'expired' ? 3 : 1) * dayMs),
        notAfter: new Date(nowMs + (kind === 'expired' ? -1 : 30) * dayMs),
        signingAlgorithm: algorithm,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          new x509.SubjectAlternativeNameExtension([
            ...names.map((value) => ({ type: 'dns' as const, value })),
            ...(kind === 'wrong-host' ? [] : ['127.0.0.1', '::1'].map((value) => ({ type: 'ip' as const, value }))),
          ]),
          await x509.SubjectKeyIdentifierExtension.create(own.publicKey, false, crypto),
        ],
      };
      const certificate =
        kind === 'self-signed'
          ? await x509.X509CertificateGenerator.createSelfSigned({ ...common, name: subject, keys: own }, crypto)
          : await x509.X509CertificateGenerator.create(
              { ...common, subject, issuer: ca.subject, publicKey: own.publicKey, signingKey: keys.privateKey },
              crypto,
            );
      const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', own.privateKey as never));
      return {
        certPem: `${certificate.toString('pem')}\n`,
        keyPem: `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
        endPoint: createHash('sha256').update(new Uint8Array(certificate.rawData)).digest(),
      };
    },
  };
}

/** Writes what clients must trust. @returns the path. */
export function writeAuthority(authority: CertificateAuthority, directory: string): string {
  const path = join(directory, 'lab-ca.pem');
  writeFileSync(path, authority.caPem);
  chmodSync(path, 0o644);
  return path;
}
