import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ntHashOf } from '../world/account.ts';
import {
  challenge,
  channelBindingHash,
  type NtlmChallenge,
  type NtlmCheck,
  ntlmMessageType,
  rc4,
  verify,
} from './ntlm.ts';
import { authenticateMessage, hex, negotiateMessage, respond } from './ntlm-client.fixture.ts';

describe('the published example of NTLMv2, [MS-NLMP] 4.2.4', () => {
  // User "User", domain "Domain", password "Password", client challenge aa…, time 0, session key 55….
  const serverChallenge = hex('0123456789abcdef');
  const serverInfo = hex('02000c0044006f006d00610069006e0001000c005300650072007600650072000000 0000');
  const proven = Buffer.concat([
    hex('01010000 00000000 0000000000000000 aaaaaaaaaaaaaaaa 00000000'),
    serverInfo,
    hex('00000000'),
  ]);
  const proof = hex('68cd0ab851e51c96aabc927bebef6a1c');
  const sessionBaseKey = hex('8de40ccadbc14a82f15cb0ad0de95ca3');

  test('the NT hash and the wrapped session key', () => {
    expect(ntHashOf('Password').toString('hex')).toBe('a4f49c406510bdcab6824ee7c30fd852');
    expect(rc4(sessionBaseKey, hex('c5dad2544fc9799094ce1ce90bc9d03e'))).toEqual(Buffer.alloc(16, 0x55));
  });

  test('its proof is accepted', () => {
    const message = authenticateMessage({
      user: 'User',
      domain: 'Domain',
      response: Buffer.concat([proof, proven.subarray(0, proven.length)]),
    });
    const pending: NtlmChallenge = { negotiate: Buffer.alloc(0), message: Buffer.alloc(0), serverChallenge };
    expect(verify(pending, message, check('Password'))).toEqual({ ok: true, user: 'User', domain: 'Domain' });
  });
});

function check(password: string | null, more: Partial<NtlmCheck> = {}): NtlmCheck {
  return { hashOf: () => (password === null ? null : ntHashOf(password)), endPoint: null, binding: 'none', ...more };
}

describe('a challenge and its answer', () => {
  const server = { domain: 'source.test', host: 'mail.source.test' };
  const pending = challenge(negotiateMessage, server, hex('0011223344556677'), Date.UTC(2026, 0, 1));

  test('the challenge names the domain, the server and the time', () => {
    expect(ntlmMessageType(pending.message)).toBe(2);
    expect(pending.message.subarray(24, 32)).toEqual(hex('0011223344556677'));
    const text = pending.message.toString('utf16le');
    for (const name of ['SOURCE', 'source.test', 'mail.source.test']) expect(text).toContain(name);
    // 2026-01-01 as a FILETIME.
    expect(pending.message.includes(Buffer.concat([hex('0700 0800'), filetime(Date.UTC(2026, 0, 1))]))).toBe(true);
  });

  test('the right password with a right MIC signs in', () => {
    expect(verify(pending, respond(pending, 'secret'), check('secret'))).toMatchObject({
      ok: true,
      user: 'anna',
      domain: 'SOURCE',
    });
    expect(verify(pending, respond(pending, 'secret', { mic: 'none' }), check('secret'))).toMatchObject({ ok: true });
  });

  test.each([
    ['a wrong password', () => respond(pending, 'wrong'), check('secret'), 'wrong-password'],
    ['an unknown user', () => respond(pending, 'secret'), check(null), 'unknown-user'],
    ['a wrong MIC', () => respond(pending, 'secret', { mic: 'wrong' }), check('secret'), 'mic-wrong'],
    [
      'a MIC that is promised and not there',
      () => respond(pending, 'secret', { mic: 'flagged-only' }),
      check('secret'),
      'mic-missing',
    ],
    [
      'an answer to another challenge',
      () => respond({ ...pending, serverChallenge: hex('ffffffffffffffff') }, 'secret'),
      check('secret'),
      'wrong-password',
    ],
    [
      'an altered NEGOTIATE message',
      () => respond({ ...pending, negotiate: Buffer.from('changed') }, 'secret'),
      check('secret'),
      'mic-wrong',
    ],
    [
      'NTLMv1',
      () => authenticateMessage({ user: 'anna', domain: 'SOURCE', response: Buffer.alloc(24, 1) }),
      check('secret'),
      'ntlmv1',
    ],
    [
      'anonymous',
      () => authenticateMessage({ user: '', domain: '', response: Buffer.alloc(0), flags: 0x801 }),
      check('secret'),
      'anonymous',
    ],
  ] as const)('%s is refused', (_name, message, against, why) => {
    expect(verify(pending, message(), against)).toEqual({ ok: false, why });
  });

  test('channel binding by policy', () => {
    const endPoint = Buffer.alloc(32, 9);
    const right = channelBindingHash(endPoint);
    const outcome = (binding: NtlmCheck['binding'], sent?: Buffer) => {
      const result = verify(
        pending,
        respond(pending, 'secret', sent ? { binding: sent } : {}),
        check('secret', { endPoint, binding }),
      );
      return result.ok ? 'in' : result.why;
    };
    const zero = Buffer.alloc(16);
    const wrong = Buffer.alloc(16, 1);
    expect([outcome('none'), outcome('none', wrong), outcome('none', right)]).toEqual(['in', 'in', 'in']);
    expect([outcome('allow'), outcome('allow', zero), outcome('allow', wrong), outcome('allow', right)]).toEqual([
      'in',
      'in',
      'binding-wrong',
      'in',
    ]);
    expect([
      outcome('require'),
      outcome('require', zero),
      outcome('require', wrong),
      outcome('require', right),
    ]).toEqual(['binding-missing', 'binding-missing', 'binding-wrong', 'in']);
  });

  test('the hash of a binding is MD5 over the structure of RFC 2744, lengths little endian', () => {
    const hash = Buffer.alloc(32, 9);
    const application = Buffer.concat([Buffer.from('tls-server-end-point:', 'latin1'), hash]);
    const structure = Buffer.concat([hex('00000000 00000000 00000000 00000000 35000000'), application]);
    expect(channelBindingHash(hash)).toEqual(createHash('md5').update(structure).digest());
  });

  test('whatever the bytes, the outcome is a refusal and never a crash', () => {
    const whole = respond(pending, 'secret');
    for (let length = 0; length < whole.length; length++) {
      const outcome = verify(pending, whole.subarray(0, length), check('secret'));
      expect(outcome.ok).toBe(false);
    }
    for (let at = 12; at < 60; at++) {
      for (const value of [0x00, 0x7f, 0xff]) {
        const bent = Buffer.from(whole);
        bent[at] = value;
        expect(() => verify(pending, bent, check('secret'))).not.toThrow();
      }
    }
  });
});

function filetime(ms: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE((BigInt(ms) + 11_644_473_600_000n) * 10_000n);
  return bytes;
}
