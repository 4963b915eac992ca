import { FaultError } from '#kit/fault.ts';
import type {
  Attributes,
  DirectoryKind,
  DirectoryObject,
  DistinguishedName,
  ObjectGuid,
} from '#model/directory/directory-object.ts';
import { domainOfDn } from '#model/directory/distinguished-name.ts';
import type { Context } from '../../contract.ts';
import type { AttributeShape } from './attribute-shapes.ts';
import type { Known } from './forest.ts';
import { guidOfBytes } from './guids.ts';
import type { LdapEntry } from './ldap-answers.ts';
import { allOf, anyOf, equal, type LdapFilter, notAny } from './ldap-filter.ts';

/** Entries of a directory as objects: kinds, values, and the rest of those attributes that a server hands out in pieces. */

/** People, contacts and groups: what a sync carries. Computers are users to the schema. */
export const carriedObjects: LdapFilter = anyOf(
  allOf(equal('objectClass', 'user'), notAny(equal('objectClass', 'computer'))),
  equal('objectClass', 'contact'),
  equal('objectClass', 'group'),
  equal('objectClass', 'msExchDynamicDistributionList'),
);

const kinds: readonly (readonly [string, DirectoryKind])[] = [
  ['computer', 'container'],
  ['user', 'user'],
  ['contact', 'contact'],
  ['group', 'group'],
  ['msexchdynamicdistributionlist', 'group'],
];

/** What is neither a person, a contact nor a group holds others or belongs to a system: never written, as a container. */
function kindOf(classes: readonly string[]): DirectoryKind {
  const lower = new Set(classes.map((name) => name.toLowerCase()));
  return kinds.find(([name]) => lower.has(name))?.[1] ?? 'container';
}

/** Needed to tell what an entry is, besides what the caller wants. */
const ownAttributes = ['objectGUID', 'objectClass', 'uSNChanged'] as const;

/** Which attributes are asked for, and in which spelling their values are handed out. */
export interface Wanted {
  readonly request: readonly string[];
  readonly shapes: ReadonlyMap<string, AttributeShape>;
  /** Spelling of the caller by lower-case name. */
  readonly names: ReadonlyMap<string, string>;
}

export function wantedOf(attributes: readonly string[], shapes: ReadonlyMap<string, AttributeShape>): Wanted {
  const names = new Map(attributes.map((name) => [name.toLowerCase(), name]));
  const request = [...names].filter(([key]) => shapes.has(key)).map(([, name]) => name);
  return { request: [...new Set([...ownAttributes, ...request])], shapes, names };
}

/** Values of one attribute by its name without options, with what is still to be read. */
interface Piece {
  readonly values: readonly Buffer[];
  /** Index of the first value that is missing; null: none is. */
  readonly restFrom: number | null;
}

/** Reads `member;range=0-1499` ([MS-ADTS] 3.1.1.3.1.3.3). The plain name is there too then, without values. */
function piecesOf(entry: LdapEntry): ReadonlyMap<string, Piece> {
  const pieces = new Map<string, Piece>();
  for (const [full, values] of entry.values) {
    const [name = '', ...options] = full.toLowerCase().split(';');
    const range = options.map((option) => /^range=(\d+)-(\d+|\*)$/.exec(option)).find((found) => found !== null);
    if (range) pieces.set(name, { values, restFrom: range[2] === '*' ? null : Number(range[2]) + 1 });
    else if (!pieces.has(name)) pieces.set(name, { values, restFrom: null });
  }
  return pieces;
}

/** More values than any group has; a server that never comes to an end is not followed. */
const valuesMax = 2_000_000;

/** The version of an object: number of its last change, which counts in one database only. */
const versionOf = (usn: string, invocationId: string): string => `${usn}@${invocationId}`;

/** @returns null for what `versionOf` did not write, or an object whose number could not be read. */
export function readVersion(version: string): { readonly usn: bigint; readonly invocationId: string } | null {
  const [, usn, invocationId] = /^(\d+)@(.+)$/s.exec(version) ?? [];
  return usn === undefined || invocationId === undefined ? null : { usn: BigInt(usn), invocationId };
}

/** @returns null for an entry without GUID, which is none of Active Directory. */
export async function objectOf(
  entry: LdapEntry,
  wanted: Wanted,
  { controller, identity }: Known,
  context: Context,
): Promise<DirectoryObject | null> {
  const pieces = piecesOf(entry);
  const guid = guidOfBytes(pieces.get('objectguid')?.values[0] ?? Buffer.alloc(0));
  if (guid === null) return null;
  const attributes: Record<string, readonly string[]> = {};
  for (const [key, piece] of pieces) {
    const name = wanted.names.get(key);
    if (name === undefined) continue;
    let values = piece.values;
    for (let from = piece.restFrom; from !== null; ) {
      const rest = await readRange(identity.takesGuids ? guidName(guid) : entry.dn, name, from);
      // The object went away or the attribute was emptied meanwhile: the change feed tells.
      if (rest === null || rest.values.length === 0) break;
      values = [...values, ...rest.values];
      from = rest.restFrom;
      if (values.length > valuesMax) {
        const detail = `${controller.peer}: ${name} of one entry has more than ${valuesMax} values`;
        throw new FaultError({ kind: 'fatal', code: 'protocol', detail });
      }
    }
    if (values.length > 0) attributes[name] = values.map((value) => textOf(value, wanted.shapes.get(key)));
  }
  const classes = (pieces.get('objectclass')?.values ?? []).map((value) => value.toString('utf8'));
  return {
    guid,
    kind: kindOf(classes),
    dn: entry.dn as DistinguishedName,
    domain: domainOfDn(entry.dn),
    attributes,
    version: versionOf(pieces.get('usnchanged')?.values[0]?.toString('utf8') ?? '', identity.invocationId),
  };

  async function readRange(base: string, name: string, from: number): Promise<Piece | null> {
    const search = { base, scope: 'base', attributes: [`${name};range=${from}-*`] } as const;
    const { entries } = await controller.search(search, context);
    return entries[0] === undefined ? null : (piecesOf(entries[0]).get(name.toLowerCase()) ?? null);
  }
}

/** A name that finds an object wherever it has been moved to ([MS-ADTS] 3.1.1.3.1.2.4). */
export const guidName = (guid: ObjectGuid): string => `<GUID=${guid}>`;

const textOf = (value: Buffer, shape: AttributeShape | undefined): string =>
  value.toString(shape?.form === 'bytes' ? 'hex' : 'utf8');

/** @returns null when a value of bytes is not hex. */
export function bytesOf(value: string, shape: AttributeShape | undefined): Buffer | null {
  if (shape?.form !== 'bytes') return Buffer.from(value);
  return /^([0-9a-f]{2})*$/i.test(value) ? Buffer.from(value, 'hex') : null;
}

/** Values by the names that the caller gave, as bytes; the names whose values are none. */
export function encodeValues(
  attributes: Attributes,
  shapes: ReadonlyMap<string, AttributeShape>,
): { readonly values: ReadonlyMap<string, readonly Buffer[]>; readonly broken: readonly string[] } {
  const values = new Map<string, readonly Buffer[]>();
  const broken: string[] = [];
  for (const [name, list] of Object.entries(attributes)) {
    const encoded = list.map((value) => bytesOf(value, shapes.get(name.toLowerCase())));
    if (encoded.includes(null)) broken.push(name);
    else if (encoded.length > 0)
      values.set(
        name,
        encoded.filter((value) => value !== null),
      );
  }
  return { values, broken };
}
