import { webcrypto } from 'node:crypto';
import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import * as x509 from '@peculiar/x509';

/** Servers of one test, on loopback, and certificates with any fault one may want. */

export interface TestServer {
  /** `https://localhost:port` or `http://127.0.0.1:port`. */
  readonly origin: string;
  readonly port: number;
  /** Connections that were opened so far. */
  readonly connections: () => number;
  close(): Promise<void>;
}

export type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

export async function serve(handler: Handler, tls?: https.ServerOptions): Promise<TestServer> {
  const server = tls ? https.createServer(tls, handler) : http.createServer(handler);
  let connections = 0;
  server.on(tls ? 'secureConnection' : 'connection', () => {
    connections++;
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    port,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface Identity {
  readonly key: string;
  readonly cert: string;
  readonly der: Buffer;
}

export interface CertificateWish {
  readonly names?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly hash?: 'SHA-1' | 'SHA-256' | 'SHA-384' | 'SHA-512';
  readonly algorithm?: 'RSASSA-PKCS1-v1_5' | 'RSA-PSS' | 'ECDSA';
}

export interface Authority {
  readonly pem: string;
  issue(wish?: CertificateWish): Promise<Identity>;
}

/** The library's types are those of the browser; Node's implementation is the same interface. */
type Provider = Parameters<typeof x509.cryptoProvider.set>[0];
type Pair = Parameters<typeof x509.X509CertificateGenerator.createSelfSigned>[0]['keys'];
x509.cryptoProvider.set(webcrypto as unknown as Provider);
const day = 24 * 3600 * 1000;

export async function authority(name = 'Test Authority', wish: CertificateWish = {}): Promise<Authority> {
  const algorithm = signing(wish);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    notBefore: new Date(Date.now() - day),
    notAfter: new Date(Date.now() + 30 * day),
    keys: keys as unknown as Pair,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, 2, true)],
  });
  let serial = 1;
  return {
    pem: root.toString('pem'),
    async issue(own = {}) {
      const server = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
        'sign',
        'verify',
      ]);
      const names = own.names ?? ['localhost', '127.0.0.1'];
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: `0${++serial}`,
        subject: `CN=${names[0] ?? ''}`,
        issuer: root.subject,
        notBefore: own.notBefore ?? new Date(Date.now() - day),
        notAfter: own.notAfter ?? new Date(Date.now() + 10 * day),
        publicKey: server.publicKey as unknown as Pair['publicKey'],
        signingKey: keys.privateKey as unknown as Pair['privateKey'],
        signingAlgorithm: signing({ ...wish, ...(own.hash ? { hash: own.hash } : {}) }),
        extensions: [
          new x509.SubjectAlternativeNameExtension(
            names.map((text) =>
              /^[\d.]+$/.test(text) ? { type: 'ip' as const, value: text } : { type: 'dns' as const, value: text },
            ),
          ),
        ],
      });
      const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', server.privateKey)).toString('base64');
      return {
        key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
        cert: certificate.toString('pem'),
        der: Buffer.from(certificate.rawData),
      };
    },
  };
}

function signing(wish: CertificateWish): webcrypto.EcKeyGenParams & webcrypto.EcdsaParams {
  const hash = wish.hash ?? 'SHA-256';
  const name = wish.algorithm ?? 'ECDSA';
  if (name === 'ECDSA') return { name, namedCurve: 'P-256', hash };
  const rsa = { name, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash, saltLength: 32 };
  return rsa as unknown as webcrypto.EcKeyGenParams & webcrypto.EcdsaParams;
}
