import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createAuthority } from './certificates.ts';

describe('the certificates of a run', () => {
  test('a good one is signed by the CA, valid now, for its hosts and the loopback', async () => {
    const authority = await createAuthority(Date.now());
    const ca = new X509Certificate(authority.caPem);
    const server = new X509Certificate((await authority.issue(['mail.source.test'])).certPem);
    expect(ca.ca).toBe(true);
    expect(server.ca).toBe(false);
    expect(server.verify(ca.publicKey)).toBe(true);
    expect(server.checkIssued(ca)).toBe(true);
    for (const host of ['mail.source.test', 'localhost']) expect(server.checkHost(host)).toBe(host);
    expect(server.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(Date.parse(server.validFrom)).toBeLessThan(Date.now());
    expect(Date.parse(server.validTo)).toBeGreaterThan(Date.now());
  });

  test('each bad kind is bad in its one way', async () => {
    const authority = await createAuthority(Date.now());
    const ca = new X509Certificate(authority.caPem);
    const expired = new X509Certificate((await authority.issue(['mail.source.test'], 'expired')).certPem);
    expect(Date.parse(expired.validTo)).toBeLessThan(Date.now());
    expect(expired.verify(ca.publicKey)).toBe(true);
    const wrong = new X509Certificate((await authority.issue(['mail.source.test'], 'wrong-host')).certPem);
    expect(wrong.checkHost('mail.source.test')).toBeUndefined();
    expect(wrong.checkIP('127.0.0.1')).toBeUndefined();
    expect(wrong.verify(ca.publicKey)).toBe(true);
    const own = new X509Certificate((await authority.issue(['mail.source.test'], 'self-signed')).certPem);
    expect(own.verify(ca.publicKey)).toBe(false);
    expect(own.verify(own.publicKey)).toBe(true);
  });
});
