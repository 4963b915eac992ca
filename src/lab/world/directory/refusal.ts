/** Result codes of LDAP that Active Directory uses. RFC 4511 appendix A; [MS-ADTS] 3.1.1.3.1.9 */
export const resultCodes = {
  success: 0,
  operationsError: 1,
  protocolError: 2,
  timeLimitExceeded: 3,
  sizeLimitExceeded: 4,
  compareFalse: 5,
  compareTrue: 6,
  authMethodNotSupported: 7,
  strongerAuthRequired: 8,
  referral: 10,
  adminLimitExceeded: 11,
  unavailableCriticalExtension: 12,
  noSuchAttribute: 16,
  undefinedAttributeType: 17,
  constraintViolation: 19,
  attributeOrValueExists: 20,
  invalidAttributeSyntax: 21,
  noSuchObject: 32,
  invalidDnSyntax: 34,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  busy: 51,
  unavailable: 52,
  unwillingToPerform: 53,
  namingViolation: 64,
  objectClassViolation: 65,
  notAllowedOnNonLeaf: 66,
  notAllowedOnRdn: 67,
  entryAlreadyExists: 68,
  affectsMultipleDsas: 71,
  other: 80,
} as const;
export type ResultName = keyof typeof resultCodes;

/** Problems as Active Directory names them in its messages: number, letters, and the kind of error they belong to. */
const problems = {
  NO_OBJECT: [2001, 'NameErr'],
  BAD_NAME: [2006, 'NameErr'],
  NO_ATTRIBUTE_OR_VAL: [1001, 'AtrErr'],
  INVALID_ATT_SYNTAX: [1002, 'AtrErr'],
  CONSTRAINT_ATT_TYPE: [1005, 'AtrErr'],
  ATT_OR_VALUE_EXISTS: [1006, 'AtrErr'],
  INSUFF_ACCESS_RIGHTS: [4003, 'SecErr'],
  BUSY: [5001, 'SvcErr'],
  UNAVAILABLE: [5002, 'SvcErr'],
  WILL_NOT_PERFORM: [5003, 'SvcErr'],
  NAMING_VIOLATION: [6001, 'UpdErr'],
  OBJ_CLASS_VIOLATION: [6002, 'UpdErr'],
  CANT_ON_NON_LEAF: [6003, 'UpdErr'],
  CANT_ON_RDN: [6004, 'UpdErr'],
  ENTRY_EXISTS: [6005, 'UpdErr'],
  AFFECTS_MULTIPLE_DSAS: [6009, 'UpdErr'],
} as const;

/** What a controller answers instead of doing what it was asked. */
export class DirectoryRefusal extends Error {
  override readonly name = 'DirectoryRefusal';
  readonly result: ResultName;
  /** DN of the closest object that is there; empty: none is named. */
  readonly matchedDn: string;

  /** Where else to ask, as LDAP URLs; none but in a referral. */
  readonly referral: readonly string[];

  /** @param diagnostic as the server words it: `00002071: UpdErr: DSID-…`. */
  constructor(result: ResultName, diagnostic: string, matchedDn = '', referral: readonly string[] = []) {
    super(diagnostic);
    this.result = result;
    this.matchedDn = matchedDn;
    this.referral = referral;
  }
}

const hex = (code: number): string => code.toString(16).toUpperCase().padStart(8, '0');
/** Place in the server's source; real ones differ from build to build, and nobody may read anything into them. */
const place = (code: number): string => `DSID-031${hex((code * 2654435761) >>> 0).slice(3)}`;

/** @param code of Windows, as in winerror.h */
export function refuse(
  result: ResultName,
  code: number,
  problem: keyof typeof problems,
  rest: { readonly attribute?: string; readonly bestMatch?: string } = {},
): DirectoryRefusal {
  const [number, kind] = problems[problem];
  const what = `problem ${number} (${problem}), data 0`;
  if (kind === 'AtrErr') {
    const at = `${hex(code)}: ${place(code)}`;
    return new DirectoryRefusal(
      result,
      `${hex(code)}: AtrErr: ${place(code)}, #1:\n\t0: ${at}, ${what}, Att (${rest.attribute ?? ''})\n`,
    );
  }
  if (problem === 'NO_OBJECT')
    return new DirectoryRefusal(
      result,
      `${hex(code)}: NameErr: ${place(code)}, ${what}, best match of:\n\t'${rest.bestMatch ?? ''}'\n`,
      rest.bestMatch ?? '',
    );
  return new DirectoryRefusal(result, `${hex(code)}: ${kind}: ${place(code)}, ${what}\n`);
}

/** Trouble before the directory itself was asked. */
export const refuseEarly = (result: ResultName, code: number, comment: string, data = 'data 0'): DirectoryRefusal =>
  new DirectoryRefusal(
    result,
    `${hex(code)}: LdapErr: ${place(code).replace('031', '0C0')}, comment: ${comment}, ${data}, v4563`,
  );

export const noObject = (bestMatch: string): DirectoryRefusal =>
  refuse('noSuchObject', 0x208d, 'NO_OBJECT', { bestMatch });
export const noRights = (): DirectoryRefusal => refuse('insufficientAccessRights', 0x2098, 'INSUFF_ACCESS_RIGHTS');
/** Another server has what the name lies in. [MS-ADTS] 3.1.1.3.1.4 */
export const refer = (host: string, dn: string): DirectoryRefusal =>
  new DirectoryRefusal(
    'referral',
    `${hex(0x202b)}: RefErr: ${place(0x202b)}, data 0, 1 access points\n\tref 1: '${host}'\n`,
    '',
    [ldapUrl(host, dn)],
  );

/** RFC 4516 */
export const ldapUrl = (host: string, dn: string): string => `ldap://${host}/${encodeURI(dn)}`;
