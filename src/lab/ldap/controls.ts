import { BerError, BerReader, integer, octets, sequence } from './ber.ts';
import type { Control } from './message.ts';

/** Controls that are understood. [MS-ADTS] 3.1.1.3.4.1 */
export const controlOids = {
  paged: '1.2.840.113556.1.4.319',
  showDeleted: '1.2.840.113556.1.4.417',
  showRecycled: '1.2.840.113556.1.4.2064',
  dirSync: '1.2.840.113556.1.4.841',
  sdFlags: '1.2.840.113556.1.4.801',
  treeDelete: '1.2.840.113556.1.4.805',
  permissiveModify: '1.2.840.113556.1.4.1413',
  domainScope: '1.2.840.113556.1.4.1339',
  searchOptions: '1.2.840.113556.1.4.1340',
  extendedDn: '1.2.840.113556.1.4.529',
  lazyCommit: '1.2.840.113556.1.4.619',
} as const;
const understood: ReadonlySet<string> = new Set(Object.values(controlOids));

/** Flags of DirSync. [MS-ADTS] 3.1.1.3.4.1.3 */
const dirSyncFlags = {
  objectSecurity: 0x1,
  ancestorsFirst: 0x800,
  publicDataOnly: 0x2000,
  incrementalValues: 0x80000000,
};

export interface DirSyncAsked {
  readonly ancestorsFirst: boolean;
  /** Without the right to replicate: only what may be read. */
  readonly objectSecurity: boolean;
  readonly incrementalValues: boolean;
  readonly maxBytes: number;
  /** Empty: from the beginning. */
  readonly cookie: Buffer;
}

/** What the controls of a request ask for. */
export interface Controls {
  readonly page: { readonly size: number; readonly cookie: Buffer } | null;
  readonly dirSync: DirSyncAsked | null;
  readonly showsDeleted: boolean;
  readonly isTreeDelete: boolean;
  readonly isPermissive: boolean;
  /** Names come with GUIDs and SIDs before them: in hex, or as people write them. [MS-ADTS] 3.1.1.3.4.1.5 */
  readonly extendedNames: 'hex' | 'text' | null;
  /** No references to other naming contexts. */
  readonly isDomainOnly: boolean;
  readonly isWholeForest: boolean;
  /** A critical one that nobody here knows; null: none. */
  readonly unknownCritical: string | null;
}

/** @throws BerError a value that is not what its control says */
export function readControls(controls: readonly Control[]): Controls {
  const has = (oid: string): boolean => controls.some((one) => one.oid === oid);
  const inside = (oid: string): BerReader | null => {
    const one = controls.find((control) => control.oid === oid);
    if (one === undefined) return null;
    if (one.value === null) throw new BerError(`control ${oid} has no value`);
    return new BerReader(one.value).enter();
  };
  const paged = inside(controlOids.paged);
  const dirSync = inside(controlOids.dirSync);
  const options = inside(controlOids.searchOptions)?.integer() ?? 0;
  return {
    page: paged === null ? null : { size: paged.integer(), cookie: Buffer.from(paged.octets()) },
    dirSync: dirSync === null ? null : readDirSync(dirSync),
    showsDeleted: has(controlOids.showDeleted) || has(controlOids.showRecycled),
    isTreeDelete: has(controlOids.treeDelete),
    isPermissive: has(controlOids.permissiveModify),
    extendedNames: readExtendedDn(controls.find(({ oid }) => oid === controlOids.extendedDn)),
    // 1: SERVER_SEARCH_FLAG_DOMAIN_SCOPE, 2: SERVER_SEARCH_FLAG_PHANTOM_ROOT
    isDomainOnly: has(controlOids.domainScope) || (options & 1) !== 0,
    isWholeForest: (options & 2) !== 0,
    unknownCritical: controls.find(({ oid, isCritical }) => isCritical && !understood.has(oid))?.oid ?? null,
  };
}

function readExtendedDn(control: Control | undefined): Controls['extendedNames'] {
  if (control === undefined) return null;
  return control.value !== null && new BerReader(control.value).enter().integer() === 1 ? 'text' : 'hex';
}

function readDirSync(reader: BerReader): DirSyncAsked {
  // The greatest flag makes the number negative for some clients.
  const flags = reader.integer() >>> 0;
  const maxBytes = reader.integer();
  return {
    ancestorsFirst: (flags & dirSyncFlags.ancestorsFirst) !== 0,
    objectSecurity: (flags & dirSyncFlags.objectSecurity) !== 0,
    incrementalValues: (flags & dirSyncFlags.incrementalValues) >>> 0 !== 0,
    maxBytes,
    cookie: Buffer.from(reader.octets()),
  };
}

export const pageControl = (cookie: Buffer): Control => ({
  oid: controlOids.paged,
  isCritical: false,
  value: sequence(integer(0), octets(cookie)),
});
export const dirSyncControl = (more: boolean, cookie: Buffer): Control => ({
  oid: controlOids.dirSync,
  isCritical: false,
  value: sequence(integer(more ? 1 : 0), integer(0), octets(cookie)),
});
