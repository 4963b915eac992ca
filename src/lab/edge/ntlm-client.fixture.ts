/** A client of NTLMv2 for the edge's tests, put together by hand from [MS-NLMP], with every part that can be wrong. */
import { createHmac } from 'node:crypto';
import { ntHashOf } from '../world/account.ts';
import { type NtlmChallenge, rc4 } from './ntlm.ts';

const unicode = (text: string) => Buffer.from(text, 'utf16le');
export const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const hmac = (key: Buffer, ...parts: readonly Buffer[]) =>
  parts.reduce((mac, part) => mac.update(part), createHmac('md5', key)).digest();

interface Parts {
  readonly user: string;
  readonly domain: string;
  readonly response: Buffer;
  readonly sessionKey?: Buffer;
  readonly flags?: number;
  readonly withMicField?: boolean;
}

/** An AUTHENTICATE message put together by hand, [MS-NLMP] 2.2.1.3. */
export function authenticateMessage({
  user,
  domain,
  response,
  sessionKey = Buffer.alloc(0),
  flags = 0x1,
  withMicField = true,
}: Parts): Buffer {
  const head = Buffer.alloc(withMicField ? 88 : 72);
  head.write('NTLMSSP\0', 'latin1');
  head.writeUInt32LE(3, 8);
  const payload: Buffer[] = [];
  let offset = head.length;
  const put = (at: number, bytes: Buffer) => {
    head.writeUInt16LE(bytes.length, at);
    head.writeUInt16LE(bytes.length, at + 2);
    head.writeUInt32LE(offset, at + 4);
    payload.push(bytes);
    offset += bytes.length;
  };
  put(12, Buffer.alloc(0));
  put(20, response);
  put(28, unicode(domain));
  put(36, unicode(user));
  put(44, unicode('COMPUTER'));
  put(52, sessionKey);
  head.writeUInt32LE(flags, 60);
  return Buffer.concat([head, ...payload]);
}

/** Unicode, signing, extended security, key exchange, 128 bits. */
export const negotiateMessage = Buffer.concat([
  Buffer.from('NTLMSSP\0', 'latin1'),
  hex('01000000 358208e2'),
  Buffer.alloc(24),
]);

export interface ResponseOptions {
  readonly user?: string;
  readonly domain?: string;
  /** Value of the channel bindings AV pair. */
  readonly binding?: Buffer;
  readonly mic?: 'right' | 'wrong' | 'none' | 'flagged-only';
}

/** A client of the test's own: answers a challenge with a MIC and, if told so, a channel binding. */
export function respond(pending: NtlmChallenge, password: string, options: ResponseOptions = {}): Buffer {
  const { user = 'anna', domain = 'SOURCE' } = options;
  const { mic = 'right' } = options;
  const infoLength = pending.message.readUInt16LE(40);
  const infoOffset = pending.message.readUInt32LE(44);
  const pairs = [pending.message.subarray(infoOffset, infoOffset + infoLength - 4)];
  if (mic !== 'none') pairs.push(hex('0600 0400 02000000'));
  if (options.binding) pairs.push(hex('0a00 1000'), options.binding);
  pairs.push(hex('00000000'));
  const proven = Buffer.concat([
    hex('01010000 00000000 0000000000000000 1122334455667788 00000000'),
    ...pairs,
    hex('00000000'),
  ]);
  const key = hmac(ntHashOf(password), unicode(user.toUpperCase() + domain));
  const proof = hmac(key, pending.serverChallenge, proven);
  const exported = Buffer.alloc(16, 7);
  const message = authenticateMessage({
    user,
    domain,
    response: Buffer.concat([proof, proven]),
    sessionKey: rc4(hmac(key, proof), exported),
    flags: 0x40000001,
    withMicField: mic !== 'flagged-only',
  });
  if (mic === 'right' || mic === 'wrong') hmac(exported, pending.negotiate, pending.message, message).copy(message, 72);
  if (mic === 'wrong') message[75] = (message[75] ?? 0) ^ 1;
  return message;
}
