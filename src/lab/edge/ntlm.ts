/**
 * The server's half of NTLM, written from [MS-NLMP]: challenge, NTLMv2 verification, message integrity code, channel binding.
 * NTLMv1 and LM are refused, as LmCompatibilityLevel 5 does. Nothing here is shared with the connector's client half.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { netbiosName } from './directory.ts';

const signature = Buffer.from('NTLMSSP\0', 'latin1');
const flag = {
  unicode: 0x1,
  oem: 0x2,
  requestTarget: 0x4,
  sign: 0x10,
  seal: 0x20,
  ntlm: 0x200,
  anonymous: 0x800,
  alwaysSign: 0x8000,
  targetTypeDomain: 0x10000,
  extendedSecurity: 0x80000,
  targetInfo: 0x800000,
  version: 0x2000000,
  key128: 0x20000000,
  keyExchange: 0x40000000,
  key56: 0x80000000,
} as const;
/** AV_PAIR ids, [MS-NLMP] 2.2.2.1. */
const av = {
  end: 0,
  computer: 1,
  domain: 2,
  dnsComputer: 3,
  dnsDomain: 4,
  dnsTree: 5,
  flags: 6,
  timestamp: 7,
  bindings: 10,
} as const;
const avFlagMic = 0x2;
const micOffset = 72;
const micLength = 16;

/** Why a sign-in over NTLM was refused. Clients see 401 for each; the lab counts them apart. */
export type NtlmRefusal =
  | 'malformed'
  | 'no-challenge'
  | 'anonymous'
  | 'ntlmv1'
  | 'unknown-user'
  | 'wrong-password'
  | 'mic-missing'
  | 'mic-wrong'
  | 'binding-missing'
  | 'binding-wrong';

/** Extended Protection: `allow` checks a binding that is sent, `require` refuses a client that sends none. */
export const channelBindingPolicies = ['none', 'allow', 'require'] as const;
export type ChannelBindingPolicy = (typeof channelBindingPolicies)[number];

/** A challenge that was sent and not yet answered; belongs to one connection and is good for one answer. */
export interface NtlmChallenge {
  readonly negotiate: Buffer;
  readonly message: Buffer;
  readonly serverChallenge: Buffer;
}

class Malformed extends Error {}

/** 1 NEGOTIATE, 3 AUTHENTICATE; null when these are not the bytes of an NTLM message. */
export function ntlmMessageType(message: Buffer): number | null {
  return message.length >= 12 && message.subarray(0, 8).equals(signature) ? message.readUInt32LE(8) : null;
}

/**
 * Answers a NEGOTIATE message.
 *
 * @param serverChallenge 8 random bytes.
 * @throws nothing: a message that is too short is answered as if it offered nothing.
 */
export function challenge(
  negotiate: Buffer,
  server: { readonly domain: string; readonly host: string },
  serverChallenge: Buffer,
  nowMs: number,
): NtlmChallenge {
  const offered = negotiate.length >= 16 ? negotiate.readUInt32LE(12) : 0;
  const wanted =
    flag.sign | flag.seal | flag.alwaysSign | flag.extendedSecurity | flag.key128 | flag.keyExchange | flag.key56;
  const text = offered & flag.unicode || !(offered & flag.oem) ? flag.unicode : flag.oem;
  const flags =
    (text |
      (offered & wanted) |
      flag.ntlm |
      flag.requestTarget |
      flag.targetTypeDomain |
      flag.targetInfo |
      flag.version) >>>
    0;

  const target = Buffer.from(netbiosName(server.domain), text === flag.unicode ? 'utf16le' : 'latin1');
  const timestamp = Buffer.alloc(8);
  timestamp.writeBigUInt64LE((BigInt(Math.trunc(nowMs)) + 11_644_473_600_000n) * 10_000n);
  const unicode = (value: string) => Buffer.from(value, 'utf16le');
  const info = Buffer.concat([
    avPair(av.domain, unicode(netbiosName(server.domain))),
    avPair(av.computer, unicode(netbiosName(server.host))),
    avPair(av.dnsDomain, unicode(server.domain)),
    avPair(av.dnsComputer, unicode(server.host)),
    avPair(av.dnsTree, unicode(server.domain)),
    avPair(av.timestamp, timestamp),
    avPair(av.end, Buffer.alloc(0)),
  ]);

  const message = Buffer.alloc(56 + target.length + info.length);
  signature.copy(message);
  message.writeUInt32LE(2, 8);
  writeField(message, 12, target.length, 56);
  message.writeUInt32LE(flags, 20);
  serverChallenge.copy(message, 24);
  writeField(message, 40, info.length, 56 + target.length);
  // Version: Windows Server 2012 R2, revision 15; informative only, [MS-NLMP] 2.2.2.10.
  Buffer.from([6, 3, 0x80, 0x25, 0, 0, 0, 15]).copy(message, 48);
  target.copy(message, 56);
  info.copy(message, 56 + target.length);
  return { negotiate, message, serverChallenge };
}

export interface NtlmCheck {
  /** The account's NT hash, or null when there is no such account. */
  readonly hashOf: (domain: string, user: string) => Buffer | null;
  /** RFC 5929 `tls-server-end-point` of this connection; null without TLS. */
  readonly endPoint: Buffer | null;
  readonly binding: ChannelBindingPolicy;
}

export type NtlmOutcome =
  | { readonly ok: true; readonly user: string; readonly domain: string }
  | { readonly ok: false; readonly why: NtlmRefusal };

/** Verifies an AUTHENTICATE message against the challenge that this connection was given. [MS-NLMP] 3.2.5.1.2 */
export function verify(pending: NtlmChallenge, message: Buffer, check: NtlmCheck): NtlmOutcome {
  try {
    return verified(pending, message, check);
  } catch (error) {
    if (error instanceof Malformed || error instanceof RangeError) return { ok: false, why: 'malformed' };
    throw error;
  }
}

function verified(pending: NtlmChallenge, message: Buffer, check: NtlmCheck): NtlmOutcome {
  const refuse = (why: NtlmRefusal) => ({ ok: false, why }) as const;
  if (ntlmMessageType(message) !== 3 || message.length < 64) return refuse('malformed');
  const flags = message.readUInt32LE(60);
  const encoding = flags & flag.unicode ? 'utf16le' : 'latin1';
  const proof = field(message, 20);
  const domain = field(message, 28).toString(encoding);
  const user = field(message, 36).toString(encoding);
  const encryptedKey = field(message, 52);
  if (user === '' || flags & flag.anonymous) return refuse('anonymous');
  // An NTLMv1 response has 24 bytes; NTLMv2 has 16 of proof and at least 28 of what was proven.
  if (proof.length < 44) return refuse('ntlmv1');

  const hash = check.hashOf(domain, user);
  if (hash === null) return refuse('unknown-user');
  const proven = proof.subarray(16);
  const key = hmac(hash, Buffer.from(user.toUpperCase() + domain, 'utf16le'));
  const expected = hmac(key, pending.serverChallenge, proven);
  if (!timingSafeEqual(expected, proof.subarray(0, 16))) return refuse('wrong-password');

  const pairs = readAvPairs(proven.subarray(28));
  const micFlagged = ((pairs.get(av.flags)?.readUInt32LE(0) ?? 0) & avFlagMic) !== 0;
  if (micFlagged) {
    if (firstPayload(message) < micOffset + micLength) return refuse('mic-missing');
    const base = hmac(key, expected);
    const session = flags & flag.keyExchange ? rc4(base, encryptedKey) : base;
    const blank = Buffer.from(message);
    blank.fill(0, micOffset, micOffset + micLength);
    const mic = hmac(session, pending.negotiate, pending.message, blank);
    if (!timingSafeEqual(mic, message.subarray(micOffset, micOffset + micLength))) return refuse('mic-wrong');
  }

  if (check.binding !== 'none' && check.endPoint !== null) {
    const sent = pairs.get(av.bindings);
    const absent = sent === undefined || sent.length !== 16 || sent.every((byte) => byte === 0);
    if (absent && check.binding === 'require') return refuse('binding-missing');
    if (!absent && !timingSafeEqual(sent, channelBindingHash(check.endPoint))) return refuse('binding-wrong');
  }
  return { ok: true, user, domain };
}

/**
 * MD5 of the gss_channel_bindings_struct of [MS-NLMP] 2.2.2.1, all addresses empty.
 * @param endPoint hash of the server's certificate (RFC 5929 section 4.1).
 */
export function channelBindingHash(endPoint: Buffer): Buffer {
  const data = Buffer.concat([Buffer.from('tls-server-end-point:', 'latin1'), endPoint]);
  const head = Buffer.alloc(20);
  head.writeUInt32LE(data.length, 16);
  return createHash('md5').update(head).update(data).digest();
}

/** RC4, which OpenSSL 3 no longer has: unwraps the 16-byte session key of [MS-NLMP] 3.2.5.1.2, nothing else. */
export function rc4(key: Buffer, data: Buffer): Buffer {
  const s = Uint8Array.from({ length: 256 }, (_, i) => i);
  const at = (i: number) => s[i] ?? 0;
  const swap = (i: number, j: number) => ([s[i], s[j]] = [at(j), at(i)]);
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + at(i) + (key[i % key.length] ?? 0)) & 255;
    swap(i, j);
  }
  const out = Buffer.alloc(data.length);
  for (let n = 0, i = 0, j = 0; n < data.length; n++) {
    i = (i + 1) & 255;
    j = (j + at(i)) & 255;
    swap(i, j);
    out[n] = (data[n] ?? 0) ^ at((at(i) + at(j)) & 255);
  }
  return out;
}

function hmac(key: Buffer, ...parts: readonly Buffer[]): Buffer {
  const mac = createHmac('md5', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

function avPair(id: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(id, 0);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, value]);
}

function readAvPairs(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const pairs = new Map<number, Buffer>();
  for (let at = 0; ; ) {
    if (at + 4 > bytes.length) throw new Malformed();
    const id = bytes.readUInt16LE(at);
    const length = bytes.readUInt16LE(at + 2);
    if (id === av.end) return pairs;
    if (at + 4 + length > bytes.length) throw new Malformed();
    pairs.set(id, bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
}

function writeField(message: Buffer, at: number, length: number, offset: number): void {
  message.writeUInt16LE(length, at);
  message.writeUInt16LE(length, at + 2);
  message.writeUInt32LE(offset, at + 4);
}

function field(message: Buffer, at: number): Buffer {
  const length = message.readUInt16LE(at);
  const offset = message.readUInt32LE(at + 4);
  if (length === 0) return Buffer.alloc(0);
  if (offset < 64 || offset + length > message.length) throw new Malformed();
  return message.subarray(offset, offset + length);
}

/** Where the payload begins: the MIC is there only when the header is long enough to hold it. */
function firstPayload(message: Buffer): number {
  let first = message.length;
  for (const at of [12, 20, 28, 36, 44, 52]) {
    if (message.readUInt16LE(at) > 0) first = Math.min(first, message.readUInt32LE(at + 4));
  }
  return first;
}
