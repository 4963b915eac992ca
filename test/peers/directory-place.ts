import { deepEqual, equal, ok } from 'node:assert/strict';
import { DirectoryProject, type PeerForests, type Waiting } from './directory-project.ts';
import { aliasOf, type Entry, ForestEnd, one, type PeerForest } from './forest-end.ts';
import type { SambaForest, SambaForests } from './samba-forests.ts';
import type { PeerContext } from './suite.ts';

const shown = [
  'cn',
  'objectGUID',
  'displayName',
  'mail',
  'targetAddress',
  'proxyAddresses',
  'title',
  'member',
  'adminDescription',
  'userAccountControl',
  'department',
  'telephoneNumber',
];

/** The two forests with an account of few rights, and a place in each for one sync of the tests. */
export class Place {
  readonly source: ForestEnd;
  readonly target: ForestEnd;
  readonly project: DirectoryProject;
  readonly #top: string;

  private constructor(source: ForestEnd, target: ForestEnd, project: DirectoryProject, top: string) {
    this.source = source;
    this.target = target;
    this.project = project;
    this.#top = top;
  }

  /** @param as The forests as the sync signs in to them. */
  static async open(
    context: PeerContext,
    forests: SambaForests,
    name: string,
    more: string,
    as: PeerForests = { source: withRights(forests.source), target: withRights(forests.target) },
  ): Promise<Place> {
    const [source, target] = [await ForestEnd.open(forests.source), await ForestEnd.open(forests.target)];
    const top = `OU=${name}`;
    const scope = (end: ForestEnd) =>
      `{ under: ['OU=In,${end.at(top, 'OU=People')}', 'OU=In,${end.at(top, 'OU=Closed')}'] }`;
    const project = new DirectoryProject(
      context,
      `directory-${name.toLowerCase()}`,
      as,
      `
scope:
  source: ${scope(source)}
  target: ${scope(target)}
into: { source: '${source.at(top, 'OU=Partner')}', target: '${target.at(top, 'OU=Partner')}' }
maxDelete: { share: 50% }
${more}
`,
    );
    const place = new Place(source, target, project, top);
    for (const end of [source, target])
      for (const above of ['OU=People', 'OU=Closed', 'OU=Partner']) {
        await end.removeTree(end.at(top, above));
        await end.units(end.at(top, above), end.at('OU=In', top, above), end.at('OU=Outside', top, above));
      }
    return place;
  }

  async close(): Promise<void> {
    await this.source.close();
    await this.target.close();
  }

  people(end: ForestEnd): string {
    return end.at('OU=In', this.#top, 'OU=People');
  }

  outside(end: ForestEnd): string {
    return end.at('OU=Outside', this.#top, 'OU=People');
  }

  closed(end: ForestEnd): string {
    return end.at('OU=In', this.#top, 'OU=Closed');
  }

  made(end: ForestEnd): string {
    return end.at(this.#top, 'OU=Partner');
  }

  shadows(end = this.target): Promise<readonly Entry[]> {
    return end.search(this.made(end), '(|(objectClass=user)(objectClass=contact)(objectClass=group))', shown);
  }

  /** The one object of the target that stands for a person of the source; null: there is none. */
  async shadowOf(name: string): Promise<Entry | null> {
    const address = `${aliasOf(name)}@${this.source.forest.domain}`;
    const found = (await this.shadows()).filter((entry) => one(entry, 'mail') === address);
    ok(found.length < 2, `${found.length} objects stand for ${name}`);
    return found[0] ?? null;
  }

  /** Reasons, with the name of who waits in what is said about it. */
  async waits(name: string): Promise<readonly string[]> {
    return reasonsOf(await this.project.waiting(), name);
  }
}

/** A forest as the account signs in that has what docs/operating/directory-rights.md asks for. */
export const withRights = ({ sync, ...forest }: SambaForest): PeerForest => ({ ...forest, ...sync });
/** Of those who wait, with this name in what is said about them. */
export const reasonsOf = (waiting: readonly Waiting[], name: string): readonly string[] =>
  waiting.filter(({ detail }) => detail.includes(name)).map(({ reason }) => reason);

/** Objects of ours by their mark: one for each, and of each somebody who is there. */
export async function expectOneEach(place: Place): Promise<void> {
  const marks = (await place.shadows()).map((entry) => one(entry, 'adminDescription')).filter((mark) => mark !== '');
  equal(new Set(marks).size, marks.length, 'two objects bear the same mark');
  equal((await place.project.journal()).filter(({ outcome }) => outcome === 'open').length, 0, 'open entries');
}

/** Everybody in scope has one who stands for them under their name; others only who left the scope since. */
export async function expectInPlace(place: Place): Promise<void> {
  await expectOneEach(place);
  const shadows = new Map<string, Entry>();
  for (const shadow of await place.shadows()) {
    const mail = one(shadow, 'mail');
    ok(!shadows.has(mail), `two stand for ${mail}`);
    shadows.set(mail, shadow);
  }
  const read = (base: string) => place.source.search(base, '(objectClass=user)', ['cn', 'mail', 'department']);
  for (const original of await read(place.people(place.source))) {
    const shadow = shadows.get(one(original, 'mail'));
    ok(shadow !== undefined, `nobody stands for ${original.dn}`);
    for (const name of ['cn', 'department']) equal(one(shadow, name), one(original, name), `${name} of ${original.dn}`);
    shadows.delete(one(original, 'mail'));
  }
  for (const original of await read(place.outside(place.source))) shadows.delete(one(original, 'mail'));
  deepEqual([...shadows.keys()], [], 'objects that stand for nobody');
}
