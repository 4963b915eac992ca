import { createHash, createHmac } from 'node:crypto';
import md4 from 'js-md4';
import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';

/**
 * NTLMv2, client side, as [MS-NLMP] has it: connection-less parts left out, no session security (HTTP needs none), NTLMv1 and LM
 * never. With the message integrity code and the channel binding that Extended Protection asks for.
 */
export interface NtlmClient {
  /** NEGOTIATE_MESSAGE ([MS-NLMP] 2.2.1.1). */
  negotiate(): Buffer;
  /** AUTHENTICATE_MESSAGE (2.2.1.3) for a CHALLENGE_MESSAGE. Throws FaultError fatal `protocol` when that is malformed. */
  authenticate(challenge: Buffer): Buffer;
}

export interface NtlmIdentity {
  /** As the directory knows it: `ana`, or `ana@contoso.com` with an empty domain. */
  readonly user: string;
  readonly domain: string;
  readonly password: string;
}

export interface NtlmOptions extends NtlmIdentity {
  /** Name of this machine, for the server's log; may be empty. */
  readonly workstation: string;
  /** `tls-server-end-point` of the connection (RFC 5929); null without TLS. */
  readonly channelBinding: Buffer | null;
  /** Service principal name, `HTTP/mail.contoso.com`. */
  readonly targetName: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** Splits a sign-in name. `DOMAIN\user` has a domain; `user@domain` is a name of its own, which the server resolves. */
export function ntlmName(signInName: string): { readonly user: string; readonly domain: string } {
  const at = signInName.indexOf('\\');
  return at < 0
    ? { user: signInName, domain: '' }
    : { user: signInName.slice(at + 1), domain: signInName.slice(0, at) };
}

const signature = Buffer.from('NTLMSSP\0', 'latin1');

// NegotiateFlags, 2.2.2.5.
const flagUnicode = 0x0000_0001;
const flagRequestTarget = 0x0000_0004;
const flagNtlm = 0x0000_0200;
const flagAlwaysSign = 0x0000_8000;
const flagExtendedSessionSecurity = 0x0008_0000;
const flagTargetInfo = 0x0080_0000;
const flagVersion = 0x0200_0000;
const flag128 = 0x2000_0000;
const flag56 = 0x8000_0000;
const wanted =
  (flagUnicode |
    flagRequestTarget |
    flagNtlm |
    flagAlwaysSign |
    flagExtendedSessionSecurity |
    flagTargetInfo |
    flagVersion |
    flag128 |
    flag56) >>>
  0;

// AV_PAIR ids, 2.2.2.1.
const avEol = 0;
const avFlags = 6;
const avTimestamp = 7;
const avTargetName = 9;
const avChannelBindings = 10;
const avFlagMic = 0x2;

/** VERSION (2.2.2.10) is informative; servers of today expect one: Windows 10.0, revision 15. */
const version = Buffer.from([10, 0, 0, 0, 0, 0, 0, 15]);
const negotiateLength = 40;
const authenticateHeaderLength = 88;
const micOffset = 72;
/** A challenge has some 200 to 500 bytes. */
const challengeMax = 16 * 1024;
const avPairsMax = 64;

const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const hmacMd5 = (key: Buffer, ...data: readonly Buffer[]): Buffer => {
  const hmac = createHmac('md5', key);
  for (const part of data) hmac.update(part);
  return hmac.digest();
};

export function createNtlmClient(options: NtlmOptions): NtlmClient {
  const negotiation = negotiateMessage();
  return {
    negotiate: () => negotiation,
    authenticate(bytes) {
      const challenge = readChallenge(bytes);
      const timestamp = challenge.targetInfo.find((pair) => pair.id === avTimestamp)?.value ?? null;
      const targetInfo = answeredTargetInfo(challenge.targetInfo, options, timestamp !== null);
      const responses = ntlmV2Responses({
        ...options,
        serverChallenge: challenge.serverChallenge,
        clientChallenge: options.random.bytes(8),
        timestamp: timestamp ?? fileTime(options.clock.nowMs()),
        targetInfo,
      });
      const message = authenticateMessage({
        domain: utf16(options.domain),
        user: utf16(options.user),
        workstation: utf16(options.workstation),
        // 3.1.5.1.2: with a timestamp from the server there is no LM response and there is a MIC.
        lm: timestamp === null ? responses.lm : Buffer.alloc(24),
        nt: responses.nt,
        flags: (challenge.flags & wanted) >>> 0,
      });
      if (timestamp !== null) hmacMd5(responses.sessionBaseKey, negotiation, bytes, message).copy(message, micOffset);
      return message;
    },
  };
}

function negotiateMessage(): Buffer {
  const message = Buffer.alloc(negotiateLength);
  signature.copy(message);
  message.writeUInt32LE(1, 8);
  message.writeUInt32LE(wanted, 12);
  // DomainNameFields and WorkstationFields stay empty: they are for OEM names, and not supplied by these flags.
  version.copy(message, 32);
  return message;
}

interface AvPair {
  readonly id: number;
  readonly value: Buffer;
}

interface Challenge {
  readonly flags: number;
  readonly serverChallenge: Buffer;
  /** Without the terminator. */
  readonly targetInfo: readonly AvPair[];
}

const malformed = (what: string) =>
  new FaultError({
    kind: 'fatal',
    code: 'protocol',
    detail: `the server’s NTLM challenge is malformed: ${what}. What answers is not Windows, or something in between changes the headers`,
  });

/** CHALLENGE_MESSAGE, 2.2.1.2. */
function readChallenge(bytes: Buffer): Challenge {
  if (bytes.length > challengeMax) throw malformed('it is too long');
  if (bytes.length < 32 || !bytes.subarray(0, 8).equals(signature)) throw malformed('it does not begin as one');
  if (bytes.readUInt32LE(8) !== 2) throw malformed('it is another message');
  const flags = bytes.readUInt32LE(20);
  if ((flags & flagUnicode) === 0) throw malformed('it does not speak Unicode');
  const infoLength = bytes.length >= 48 && (flags & flagTargetInfo) !== 0 ? bytes.readUInt16LE(40) : 0;
  const infoOffset = infoLength > 0 ? bytes.readUInt32LE(44) : 0;
  if (infoLength > 0 && (infoOffset < 48 || infoOffset + infoLength > bytes.length))
    throw malformed('its target information lies outside of it');
  return {
    flags,
    serverChallenge: Buffer.from(bytes.subarray(24, 32)),
    targetInfo: readAvPairs(bytes.subarray(infoOffset, infoOffset + infoLength)),
  };
}

function readAvPairs(bytes: Buffer): readonly AvPair[] {
  const pairs: AvPair[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) throw malformed('its target information ends in the middle');
    const id = bytes.readUInt16LE(at);
    const length = bytes.readUInt16LE(at + 2);
    at += 4;
    if (id === avEol) return pairs;
    if (at + length > bytes.length) throw malformed('a part of its target information is longer than the whole');
    if (id === avTimestamp && length !== 8) throw malformed('its time does not have 8 bytes');
    if (pairs.length === avPairsMax) throw malformed('its target information has too many parts');
    pairs.push({ id, value: Buffer.from(bytes.subarray(at, at + length)) });
    at += length;
  }
  return pairs;
}

/** The server's target information with what the client adds: MIC flag, channel binding, target name (3.1.5.1.2). */
function answeredTargetInfo(given: readonly AvPair[], options: NtlmOptions, withMic: boolean): Buffer {
  const pairs = given.filter(({ id }) => id !== avFlags && id !== avChannelBindings && id !== avTargetName);
  const flags = given.find(({ id }) => id === avFlags)?.value;
  const flagBits = ((flags && flags.length >= 4 ? flags.readUInt32LE(0) : 0) | (withMic ? avFlagMic : 0)) >>> 0;
  if (flagBits !== 0) {
    const value = Buffer.alloc(4);
    value.writeUInt32LE(flagBits);
    pairs.push({ id: avFlags, value });
  }
  pairs.push(
    { id: avChannelBindings, value: channelBindingsHash(options.channelBinding) },
    { id: avTargetName, value: utf16(options.targetName) },
  );
  return writeAvPairs(pairs);
}

function writeAvPairs(pairs: readonly AvPair[]): Buffer {
  const parts = [...pairs, { id: avEol, value: Buffer.alloc(0) }].flatMap(({ id, value }) => {
    const header = Buffer.alloc(4);
    header.writeUInt16LE(id, 0);
    header.writeUInt16LE(value.length, 2);
    return [header, value];
  });
  return Buffer.concat(parts);
}

/** MD5 of gss_channel_bindings_struct with empty addresses (2.2.2.1 MsvAvChannelBindings, RFC 4121 section 4.1.1.2); zeros without. */
export function channelBindingsHash(endPoint: Buffer | null): Buffer {
  if (endPoint === null) return Buffer.alloc(16);
  const data = Buffer.concat([Buffer.from('tls-server-end-point:', 'latin1'), endPoint]);
  const struct = Buffer.alloc(20);
  struct.writeUInt32LE(data.length, 16);
  return createHash('md5').update(struct).update(data).digest();
}

/** 100 ns since 1601, little endian ([MS-DTYP] 2.3.3). */
function fileTime(unixMs: number): Buffer {
  const value = Buffer.alloc(8);
  value.writeBigUInt64LE((BigInt(Math.round(unixMs)) + 11_644_473_600_000n) * 10_000n);
  return value;
}

export interface NtlmV2Input extends NtlmIdentity {
  readonly serverChallenge: Buffer;
  readonly clientChallenge: Buffer;
  /** FILETIME. */
  readonly timestamp: Buffer;
  /** AV_PAIRs with their terminator. */
  readonly targetInfo: Buffer;
}

/** NTLM v2 authentication, 3.3.2. */
export function ntlmV2Responses(input: NtlmV2Input): {
  readonly nt: Buffer;
  readonly lm: Buffer;
  readonly sessionBaseKey: Buffer;
} {
  const key = ntowfV2(input);
  const temp = Buffer.concat([
    Buffer.from([1, 1, 0, 0, 0, 0, 0, 0]),
    input.timestamp,
    input.clientChallenge,
    Buffer.alloc(4),
    input.targetInfo,
    Buffer.alloc(4),
  ]);
  const proof = hmacMd5(key, input.serverChallenge, temp);
  return {
    nt: Buffer.concat([proof, temp]),
    lm: Buffer.concat([hmacMd5(key, input.serverChallenge, input.clientChallenge), input.clientChallenge]),
    sessionBaseKey: hmacMd5(key, proof),
  };
}

/** NTOWFv2, 3.3.2. The domain is taken as it is written, the user in capitals. */
export function ntowfV2(identity: NtlmIdentity): Buffer {
  const hash = Buffer.from(md4.arrayBuffer(utf16(identity.password)));
  return hmacMd5(hash, utf16(upperCase(identity.user) + identity.domain));
}

/** Windows maps one character to one: `ß` stays what it is. */
function upperCase(text: string): string {
  return [...text]
    .map((character) => {
      const upper = character.toUpperCase();
      return upper.length === character.length ? upper : character;
    })
    .join('');
}

interface AuthenticateFields {
  readonly domain: Buffer;
  readonly user: Buffer;
  readonly workstation: Buffer;
  readonly lm: Buffer;
  readonly nt: Buffer;
  readonly flags: number;
}

/** AUTHENTICATE_MESSAGE, 2.2.1.3; the MIC is zero. */
function authenticateMessage(fields: AuthenticateFields): Buffer {
  const header = Buffer.alloc(authenticateHeaderLength);
  signature.copy(header);
  header.writeUInt32LE(3, 8);
  let offset = authenticateHeaderLength;
  const place = (at: number, value: Buffer) => {
    header.writeUInt16LE(value.length, at);
    header.writeUInt16LE(value.length, at + 2);
    header.writeUInt32LE(offset, at + 4);
    offset += value.length;
  };
  place(28, fields.domain);
  place(36, fields.user);
  place(44, fields.workstation);
  place(12, fields.lm);
  place(20, fields.nt);
  place(52, Buffer.alloc(0));
  header.writeUInt32LE(fields.flags, 60);
  version.copy(header, 64);
  return Buffer.concat([header, fields.domain, fields.user, fields.workstation, fields.lm, fields.nt]);
}
