import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tlsServerEndPoint } from './channel-binding.ts';
import { authority } from './tls-server.fixture.ts';

describe('tls-server-end-point (RFC 5929)', () => {
  test.each([
    ['RSASSA-PKCS1-v1_5', 'SHA-1', 'sha256'],
    ['RSASSA-PKCS1-v1_5', 'SHA-256', 'sha256'],
    ['RSASSA-PKCS1-v1_5', 'SHA-384', 'sha384'],
    ['RSASSA-PKCS1-v1_5', 'SHA-512', 'sha512'],
    ['RSA-PSS', 'SHA-256', 'sha256'],
    ['RSA-PSS', 'SHA-512', 'sha512'],
    ['ECDSA', 'SHA-256', 'sha256'],
    ['ECDSA', 'SHA-384', 'sha384'],
  ] as const)('signed by %s with %s: %s', async (algorithm, hash, expected) => {
    const { der } = await (await authority('Signer', { algorithm, hash })).issue();
    expect(tlsServerEndPoint(der)).toEqual(createHash(expected).update(der).digest());
  });

  test('bytes that are no certificate get SHA-256, and no error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const der = Buffer.from(bytes);
        return tlsServerEndPoint(der).length >= 28;
      }),
      { numRuns: 1000 },
    );
    expect(tlsServerEndPoint(Buffer.alloc(0)).length).toBe(32);
  });
});
