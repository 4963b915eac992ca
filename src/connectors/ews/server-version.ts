import { attribute, type XmlElement } from '#formats/text/xml-read.ts';

/** Values of RequestServerVersion/@Version that we send, oldest first. Newer servers take them all. */
export const schemaVersions = [
  'Exchange2007',
  'Exchange2007_SP1',
  'Exchange2010',
  'Exchange2010_SP1',
  'Exchange2010_SP2',
  'Exchange2013',
  'Exchange2013_SP1',
  'Exchange2016',
] as const;
export type SchemaVersion = (typeof schemaVersions)[number];

/** The oldest server we work with; its schema is understood by every newer one, so it is what a first request says. */
export const oldestSchema: SchemaVersion = 'Exchange2007_SP1';

export const atLeast = (version: SchemaVersion, wanted: SchemaVersion): boolean =>
  schemaVersions.indexOf(version) >= schemaVersions.indexOf(wanted);

/** `ServerVersionInfo` of an answer. */
export interface ServerBuild {
  readonly major: number;
  readonly minor: number;
  readonly build: number;
}

/** The newest schema that a server of this build understands; null when it is too old for us (before 2007 SP1). */
export function schemaOf({ major, minor, build }: ServerBuild): SchemaVersion | null {
  if (major < 8) return null;
  if (major === 8) return minor === 0 ? null : 'Exchange2007_SP1';
  if (major < 14) return 'Exchange2007_SP1';
  if (major === 14) return minor === 0 ? 'Exchange2010' : minor === 1 ? 'Exchange2010_SP1' : 'Exchange2010_SP2';
  // 15.0.847 is Exchange 2013 SP1 (CU4).
  if (major === 15 && minor === 0) return build < 847 ? 'Exchange2013' : 'Exchange2013_SP1';
  return 'Exchange2016';
}

/** Product in words: `Exchange 2010 SP2 (14.2.247)`. */
export function productOf(server: ServerBuild): string {
  return `Exchange ${nameOf(server)} (${server.major}.${server.minor}.${server.build})`;
}

function nameOf({ major, minor, build }: ServerBuild): string {
  const servicePack = minor === 0 ? '' : ` SP${minor}`;
  if (major === 8) return `2007${servicePack}`;
  if (major === 14) return `2010${servicePack}`;
  if (major !== 15) return 'of an unknown version';
  if (minor === 0) return build < 847 ? '2013' : '2013 SP1';
  if (minor === 1) return '2016';
  // 15.2.2562 is the first build of the Subscription Edition; below it is 2019. 15.20 is Exchange Online.
  if (minor === 2) return build < 2562 ? '2019' : 'SE';
  return 'Online';
}

/** Reads `t:ServerVersionInfo`; null when it does not say a build. */
export function readServerBuild(info: XmlElement): ServerBuild | null {
  const number = (key: string): number => Number.parseInt(attribute(info, key) ?? '', 10);
  const [major, minor, build] = [number('MajorVersion'), number('MinorVersion'), number('MajorBuildNumber')];
  return Number.isNaN(major) || Number.isNaN(minor) ? null : { major, minor, build: Number.isNaN(build) ? 0 : build };
}
