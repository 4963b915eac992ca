import type { LabVersion } from '../seams.ts';

/** What tells one generation of Exchange from another, as far as clients see it. */
export interface VersionFacts {
  /** As in `ServerVersionInfo`: major, minor, build, revision. */
  readonly build: readonly [number, number, number, number];
  /** `ServerVersionInfo/@Version`: the newest schema the server speaks; empty: it has no EWS. */
  readonly schemaVersion: string;
  /** Values of `RequestServerVersion/@Version` it accepts, oldest first. */
  readonly requestVersions: readonly string[];
  /** For people: `Exchange 2010 SP2`. */
  readonly product: string;
  /** Largest request to EWS, in bytes. */
  readonly requestMaxBytes: number;
  /** Largest item a client may create, in bytes of MIME. A setting of each organization; this is the default as shipped. */
  readonly itemMaxBytes: number;
  /** Entries a FindItem or FindFolder may return; null: no limit. */
  readonly findCountLimit: number | null;
  /** The same when it has a restriction or a query string. */
  readonly findCountLimitRestricted: number | null;
  /** Items a folder may hold before creates are refused; null: no such limit in this version. */
  readonly folderItemsMax: number | null;
}

const MiB = 1024 * 1024;
const until2007 = ['Exchange2007', 'Exchange2007_SP1'];
const until2010 = [...until2007, 'Exchange2010', 'Exchange2010_SP1', 'Exchange2010_SP2'];
const until2013 = [...until2010, 'Exchange2013', 'Exchange2013_SP1'];
const until2016 = [
  ...until2013,
  'Exchange2015',
  'Exchange2016',
  'V2015_10_05',
  'V2016_01_06',
  'V2016_04_13',
  'V2016_07_13',
  'V2016_10_10',
];
const untilSe = [...until2016, 'V2017_01_07', 'V2017_04_14', 'V2017_07_11'];

export const versionFacts: Readonly<Record<LabVersion, VersionFacts>> = {
  '2003': {
    build: [6, 5, 7638, 1],
    schemaVersion: '',
    requestVersions: [],
    product: 'Exchange 2003 SP2',
    requestMaxBytes: 64 * MiB,
    itemMaxBytes: 10 * MiB,
    findCountLimit: null,
    findCountLimitRestricted: null,
    folderItemsMax: null,
  },
  '2007': {
    build: [8, 1, 240, 5],
    schemaVersion: 'Exchange2007_SP1',
    requestVersions: until2007,
    product: 'Exchange 2007 SP1',
    requestMaxBytes: 13 * MiB,
    itemMaxBytes: 10 * MiB,
    findCountLimit: null,
    findCountLimitRestricted: null,
    folderItemsMax: null,
  },
  '2010': {
    build: [14, 2, 247, 5],
    schemaVersion: 'Exchange2010_SP2',
    requestVersions: until2010,
    product: 'Exchange 2010 SP2',
    requestMaxBytes: 35 * MiB,
    itemMaxBytes: 10 * MiB,
    findCountLimit: 1000,
    findCountLimitRestricted: null,
    folderItemsMax: null,
  },
  '2013': {
    build: [15, 0, 847, 32],
    schemaVersion: 'Exchange2013_SP1',
    requestVersions: until2013,
    product: 'Exchange 2013 SP1',
    requestMaxBytes: 64 * MiB,
    itemMaxBytes: 36 * MiB,
    findCountLimit: 1000,
    findCountLimitRestricted: 250,
    folderItemsMax: 1_000_000,
  },
  '2016': {
    build: [15, 1, 669, 32],
    schemaVersion: 'V2016_10_10',
    requestVersions: until2016,
    product: 'Exchange 2016 CU4',
    requestMaxBytes: 64 * MiB,
    itemMaxBytes: 36 * MiB,
    findCountLimit: 1000,
    findCountLimitRestricted: 250,
    folderItemsMax: 1_000_000,
  },
  se: {
    build: [15, 2, 2562, 17],
    schemaVersion: 'V2017_07_11',
    requestVersions: untilSe,
    product: 'Exchange Server SE',
    requestMaxBytes: 64 * MiB,
    itemMaxBytes: 36 * MiB,
    findCountLimit: 1000,
    findCountLimitRestricted: 250,
    folderItemsMax: 1_000_000,
  },
  online: {
    build: [15, 20, 9500, 20],
    schemaVersion: 'V2017_07_11',
    requestVersions: untilSe,
    product: 'Exchange Online',
    requestMaxBytes: 64 * MiB,
    itemMaxBytes: 36 * MiB,
    findCountLimit: 1000,
    findCountLimitRestricted: 250,
    folderItemsMax: 1_000_000,
  },
};
