import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import { seededRandom } from '#kit/random.ts';
import { channelBindingsHash, createNtlmClient, ntlmName, ntlmV2Responses, ntowfV2 } from './ntlm.ts';

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');
const utf16 = (text: string) => Buffer.from(text, 'utf16le');

/** [MS-NLMP] 4.2.1: the values that all worked examples share. */
const example = {
  user: 'User',
  domain: 'Domain',
  password: 'Password',
  serverChallenge: hex('0123456789abcdef'),
  clientChallenge: hex('aaaaaaaaaaaaaaaa'),
  timestamp: Buffer.alloc(8),
  targetInfo: hex('02000c0044006f006d00610069006e0001000c0053006500720076006500720000000000'),
};

describe('[MS-NLMP] 4.2.4, NTLMv2 authentication', () => {
  test('4.2.4.1.1 NTOWFv2', () => {
    expect(ntowfV2(example).toString('hex')).toBe('0c868a403bfd7a93a3001ef22ef02e3f');
  });

  test('4.2.4.1.2 session base key', () => {
    expect(ntlmV2Responses(example).sessionBaseKey.toString('hex')).toBe('8de40ccadbc14a82f15cb0ad0de95ca3');
  });

  test('4.2.4.2.1 LMv2 response', () => {
    expect(ntlmV2Responses(example).lm.toString('hex')).toBe('86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa');
  });

  test('4.2.4.2.2 NTLMv2 response', () => {
    expect(ntlmV2Responses(example).nt.toString('hex')).toBe(
      '68cd0ab851e51c96aabc927bebef6a1c01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c0044006f006d00610069006e0001000c005300650072007600650072000000000000000000',
    );
  });
});

interface ChallengeWish {
  readonly timestamp?: Buffer | null;
  readonly flags?: number;
  readonly more?: readonly (readonly [number, Buffer])[];
}

const pair = (id: number, value: Buffer): Buffer => {
  const header = Buffer.alloc(4);
  header.writeUInt16LE(id, 0);
  header.writeUInt16LE(value.length, 2);
  return Buffer.concat([header, value]);
};

function challengeMessage({
  timestamp = hex('0011223344556677'),
  flags = 0xe28a8235,
  more = [],
}: ChallengeWish = {}): Buffer {
  const info = Buffer.concat([
    pair(2, utf16('Domain')),
    pair(1, utf16('Server')),
    ...(timestamp ? [pair(7, timestamp)] : []),
    ...more.map(([id, value]) => pair(id, value)),
    pair(0, Buffer.alloc(0)),
  ]);
  const header = Buffer.alloc(56);
  header.write('NTLMSSP\0', 0, 'latin1');
  header.writeUInt32LE(2, 8);
  header.writeUInt32LE(flags >>> 0, 20);
  example.serverChallenge.copy(header, 24);
  header.writeUInt16LE(info.length, 40);
  header.writeUInt16LE(info.length, 42);
  header.writeUInt32LE(56, 44);
  return Buffer.concat([header, info]);
}

const client = (channelBinding: Buffer | null = null) =>
  createNtlmClient({
    user: 'User',
    domain: 'Domain',
    password: 'Password',
    workstation: '',
    channelBinding,
    targetName: 'HTTP/mail.contoso.com',
    clock: systemClock,
    random: { ...seededRandom(1), bytes: (length) => Buffer.alloc(length, 0xaa) },
  });

/** A field of an AUTHENTICATE_MESSAGE. */
const field = (message: Buffer, at: number) => {
  const offset = message.readUInt32LE(at + 4);
  return message.subarray(offset, offset + message.readUInt16LE(at));
};

/** AV_PAIRs of an NTLMv2 response. */
function avPairs(nt: Buffer): Map<number, Buffer> {
  const pairs = new Map<number, Buffer>();
  for (let at = 16 + 28; ; ) {
    const id = nt.readUInt16LE(at);
    const length = nt.readUInt16LE(at + 2);
    if (id === 0) return pairs;
    pairs.set(id, nt.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
}

describe('messages', () => {
  test('AUTHENTICATE names the user and repeats what the server said', () => {
    const message = client().authenticate(challengeMessage());
    expect(message.subarray(0, 12)).toEqual(hex('4e544c4d53535000 03000000'));
    expect(field(message, 28)).toEqual(utf16('Domain'));
    expect(field(message, 36)).toEqual(utf16('User'));
    const pairs = avPairs(field(message, 20));
    expect(pairs.get(1)).toEqual(utf16('Server'));
    expect(pairs.get(7)).toEqual(hex('0011223344556677'));
    expect(pairs.get(9)).toEqual(utf16('HTTP/mail.contoso.com'));
    expect(pairs.get(10)).toEqual(Buffer.alloc(16));
    // No flag that was not offered, and no key exchange, which HTTP has no use for.
    expect(message.readUInt32LE(60) & ~0xe28a8235).toBe(0);
    expect(message.readUInt32LE(60) & 0x40000000).toBe(0);
  });

  test('with a timestamp there is a MIC over all three messages, and no LM response', () => {
    const ntlm = client();
    const challenge = challengeMessage();
    const message = ntlm.authenticate(challenge);
    expect(field(message, 12)).toEqual(Buffer.alloc(24));
    expect(avPairs(field(message, 20)).get(6)).toEqual(hex('02000000'));
    const nt = field(message, 20);
    const key = createHmac('md5', ntowfV2(example)).update(nt.subarray(0, 16)).digest();
    const without = Buffer.from(message);
    without.fill(0, 72, 88);
    const mic = createHmac('md5', key)
      .update(Buffer.concat([ntlm.negotiate(), challenge, without]))
      .digest();
    expect(message.subarray(72, 88)).toEqual(mic);
  });

  test('without a timestamp there is an LM response and no MIC', () => {
    const message = client().authenticate(challengeMessage({ timestamp: null }));
    expect(message.subarray(72, 88)).toEqual(Buffer.alloc(16));
    expect(field(message, 12).toString('hex')).toBe('86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa');
    expect(avPairs(field(message, 20)).get(6)).toBeUndefined();
  });

  test('other flags of the server stay, and its own binding and target name are replaced', () => {
    const message = client(Buffer.alloc(32, 7)).authenticate(
      challengeMessage({
        more: [
          [6, hex('01000000')],
          [10, Buffer.alloc(16, 9)],
          [9, utf16('cifs/evil')],
        ],
      }),
    );
    const pairs = avPairs(field(message, 20));
    expect(pairs.get(6)).toEqual(hex('03000000'));
    expect(pairs.get(10)).toEqual(channelBindingsHash(Buffer.alloc(32, 7)));
    expect(pairs.get(9)).toEqual(utf16('HTTP/mail.contoso.com'));
  });

  test('the channel binding is the MD5 of gss_channel_bindings_struct', () => {
    // Computed with openssl over 16 zero bytes, the length 0x35, and `tls-server-end-point:` with 32 bytes of 0x01.
    expect(channelBindingsHash(Buffer.alloc(32, 1)).toString('hex')).toBe('ceab3dd4042e39adabd75880be0aaa11');
    expect(channelBindingsHash(null)).toEqual(Buffer.alloc(16));
  });

  test('names', () => {
    expect(ntlmName('CONTOSO\\ana')).toEqual({ user: 'ana', domain: 'CONTOSO' });
    expect(ntlmName('ana@contoso.com')).toEqual({ user: 'ana@contoso.com', domain: '' });
    // Windows maps character by character: no growth from ß, capitals for the rest.
    expect(ntowfV2({ user: 'großé', domain: '', password: 'x' })).toEqual(
      ntowfV2({ user: 'GROßÉ', domain: '', password: 'x' }),
    );
    expect(ntowfV2({ user: 'großé', domain: '', password: 'x' })).not.toEqual(
      ntowfV2({ user: 'GROSSÉ', domain: '', password: 'x' }),
    );
  });
});

describe('malformed challenges are refused', () => {
  const refusals: readonly (readonly [string, Buffer])[] = [
    ['empty', Buffer.alloc(0)],
    ['another signature', Buffer.alloc(64)],
    ['another message', Buffer.concat([hex('4e544c4d53535000 01000000'), Buffer.alloc(50)])],
    ['no Unicode', challengeMessage({ flags: 0xe28a8234 })],
    ['cut in the target information', challengeMessage().subarray(0, 80)],
    ['a timestamp of another length', challengeMessage({ timestamp: Buffer.alloc(4) })],
    ['too long', Buffer.concat([challengeMessage(), Buffer.alloc(20_000)])],
  ];
  test.each(refusals)('%s', (_name, message) => {
    expect(() => client().authenticate(message)).toThrow(FaultError);
    expect(() => client().authenticate(message)).toThrow('NTLM challenge is malformed');
  });

  test('any change of any byte gives an answer or a refusal, never another error', () => {
    const whole = challengeMessage();
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, value, length) => {
        const changed = Buffer.from(whole);
        changed[at] = value;
        try {
          client().authenticate(changed.subarray(0, Math.max(length, at)));
        } catch (error) {
          if (!(error instanceof FaultError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
