import { type Fault, FaultError } from '#kit/fault.ts';
import type { DirectoryRefusal } from '../contract.ts';
import { type LdapResult, MalformedAnswer } from './ldap-answers.ts';

/** What a server answers when it does not do what it was asked to: codes of [RFC 4511] appendix A, and behind them those of Windows. */

const names: Readonly<Record<number, string>> = {
  1: 'operationsError',
  2: 'protocolError',
  3: 'timeLimitExceeded',
  4: 'sizeLimitExceeded',
  7: 'authMethodNotSupported',
  8: 'strongerAuthRequired',
  10: 'referral',
  11: 'adminLimitExceeded',
  12: 'unavailableCriticalExtension',
  13: 'confidentialityRequired',
  16: 'noSuchAttribute',
  17: 'undefinedAttributeType',
  18: 'inappropriateMatching',
  19: 'constraintViolation',
  20: 'attributeOrValueExists',
  21: 'invalidAttributeSyntax',
  32: 'noSuchObject',
  34: 'invalidDNSyntax',
  48: 'inappropriateAuthentication',
  49: 'invalidCredentials',
  50: 'insufficientAccessRights',
  51: 'busy',
  52: 'unavailable',
  53: 'unwillingToPerform',
  64: 'namingViolation',
  65: 'objectClassViolation',
  66: 'notAllowedOnNonLeaf',
  67: 'notAllowedOnRDN',
  68: 'entryAlreadyExists',
  69: 'objectClassModsProhibited',
  71: 'affectsMultipleDSAs',
  80: 'other',
};

/** A request that the server answered with a code other than success. */
export class LdapRefusal extends Error {
  override readonly name = 'LdapRefusal';
  readonly code: number;
  /** Error of Windows at the head of the message ([MS-ERREF] 2.2), as Active Directory and Samba write it; null: none. */
  readonly windows: number | null;
  readonly peer: string;
  constructor(result: LdapResult, peer: string) {
    const said = result.message
      .replaceAll(/\p{Cc}+/gu, ' ')
      .trim()
      .slice(0, 300);
    super(`${names[result.code] ?? 'result'} (${result.code})${said === '' ? '' : `: ${said}`}`);
    this.code = result.code;
    this.peer = peer;
    const windows = /^([0-9A-Fa-f]{8}):/.exec(said)?.[1];
    this.windows = windows === undefined ? null : Number.parseInt(windows, 16);
  }
}

/** What is behind "data" of a refused sign-in ([MS-ERREF]). */
const signInProblems: Readonly<Record<string, string>> = {
  '525': 'there is no such account',
  '52e': 'the name or the password is wrong',
  '530': 'the account may not sign in at this hour',
  '531': 'the account may not sign in at this computer',
  '532': 'the password has expired: set a new one that does not expire',
  '533': 'the account is disabled',
  '568': 'the account is in too many groups',
  '701': 'the account has expired',
  '773': 'the password must be changed first',
  '775': 'the account is locked out',
};

/** Fault of a request that failed as a whole: a sign-in, a search, or a write for a reason that is not the entry's. */
function faultOf(refusal: LdapRefusal): Fault {
  const { code, peer, message } = refusal;
  switch (code) {
    case 49: {
      const why = signInProblems[/\bdata ([0-9a-f]{3})\b/i.exec(message)?.[1]?.toLowerCase() ?? ''];
      const detail = `${peer} refuses the sign-in: ${why ?? 'name or password are wrong, or the account is disabled or locked'}`;
      return { kind: 'fatal', code: 'auth', detail, cause: refusal };
    }
    case 7:
    case 8:
    case 13:
    case 48: {
      const detail = `${peer} does not take a name and a password (${message}): allow simple binds over TLS for this account`;
      return { kind: 'fatal', code: 'auth', detail, cause: refusal };
    }
    case 50: {
      const detail = `${peer}: the account lacks the right (${message}); see docs/operating/directory-rights.md`;
      return { kind: 'fatal', code: 'access-denied', detail, cause: refusal };
    }
    case 3:
    case 11:
    case 51:
      return { kind: 'throttled', retryAfterMs: busyMs, limit: `${peer} (${message})` };
    case 2:
    case 12:
      return { kind: 'fatal', code: 'unsupported', detail: `${peer}: ${message}`, cause: refusal };
    case 32:
      return { kind: 'gone', detail: `${peer}: ${message}` };
    default:
      return { kind: 'transient', detail: `${peer}: ${message}`, mayHaveHappened: false, cause: refusal };
  }
}
/** A busy controller works off its queue in seconds. */
const busyMs = 5000;

/** Errors of Windows that say more than the code before them; [MS-ERREF] 2.2. */
const win = {
  invalidParameter: 0x57,
  userExists: 0x524,
  groupExists: 0x526,
  memberNotInAlias: 0x561,
  memberInAlias: 0x562,
  aliasExists: 0x563,
  attributeNotInSchema: 0x206f,
  nameExists: 0x2071,
  attributeNotForClass: 0x207d,
  singleValue: 0x2081,
  valueExists: 0x2083,
  missingAttribute: 0x2084,
  missingValue: 0x2085,
  servicePrincipalTaken: 0x21c7,
  userPrincipalTaken: 0x21c8,
} as const;

export interface RefusedWrite {
  readonly kind: 'add' | 'modify' | 'move' | 'remove';
  /** Whether no attribute was given more than one new value. */
  readonly oneValueEach: boolean;
}

/** What a refused write means to its entry; null: it is not about the entry, and the request fails as a whole. */
export function refusalOf(refusal: LdapRefusal, write: RefusedWrite): DirectoryRefusal | null {
  switch (refusal.windows) {
    case win.memberNotInAlias:
    case win.missingAttribute:
    case win.missingValue:
    case win.valueExists:
      return 'stale';
    case win.memberInAlias:
    case win.singleValue:
      // A second value of one that takes one: somebody else's is there, unless we gave several ourselves.
      return write.kind === 'modify' && write.oneValueEach ? 'stale' : 'value-refused';
    case win.userExists:
    case win.groupExists:
    case win.aliasExists:
    case win.nameExists:
    case win.servicePrincipalTaken:
    case win.userPrincipalTaken:
      return 'name-taken';
    case win.attributeNotInSchema:
    case win.attributeNotForClass:
      return 'schema-lacks';
    default:
  }
  switch (refusal.code) {
    case 16:
      // The parser of Active Directory says this of a name that the schema does not have.
      return refusal.windows === win.invalidParameter || write.kind !== 'modify' ? 'schema-lacks' : 'stale';
    case 17:
      return 'schema-lacks';
    case 20:
      return write.kind === 'modify' ? 'stale' : 'value-refused';
    case 18:
    case 19:
    case 21:
    case 34:
    case 53:
    case 64:
    case 65:
    case 67:
    case 69:
      return 'value-refused';
    case 32:
      return write.kind === 'add' || write.kind === 'move' ? 'no-container' : 'not-there';
    case 50:
      return 'no-rights';
    case 66:
      // Somebody put something below it.
      return 'stale';
    case 68:
      // Of a group: the member is in it already.
      return write.kind === 'modify' ? 'stale' : 'name-taken';
    case 10:
    case 71:
      return 'not-here';
    case 80:
      // With an error of Windows it is about what was written; without one the server is in trouble.
      return refusal.windows === null ? null : 'value-refused';
    default:
      return null;
  }
}

/** A request that failed as a whole, as the rest of Causeway knows it. */
export function asFault(error: unknown): unknown {
  if (error instanceof LdapRefusal) return new FaultError(faultOf(error));
  if (error instanceof MalformedAnswer) {
    return new FaultError({ kind: 'fatal', code: 'protocol', detail: error.message, cause: error });
  }
  return error;
}
