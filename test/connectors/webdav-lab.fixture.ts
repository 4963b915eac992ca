import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { davConnector } from '#connectors/webdav/connector.ts';
import { formsSignIn } from '#connectors/webdav/forms-sign-in.ts';
import { davHttp } from '#connectors/webdav/http-client.ts';
import { must } from '#kit/assert.ts';
import { FaultError } from '#kit/fault.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { Connection, HttpRequest, HttpResponse, Transport } from '#kit/transport.ts';
import { createLab } from '#lab/lab.ts';
import { flatPart, noOfFlatPart } from '#lab/webdav/marks.ts';
import { folderIdOf, itemIdOf } from '#lab/world/ids.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import type { PublicFolders } from '#lab/world/public-folders.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import { labMailbox } from '#test/simulation/ews/lab-mailbox.ts';
import type { SimulatedItem, SimulatedMailbox } from '#test/simulation/simulated-mailbox.ts';
import type { ConnectorUnderTest } from '#test/suites/connector-suite.ts';

const tls = { ca: [], min: '1.0' } as const;

/** What a test may do to the line and to the server besides. */
export interface WebdavLab extends ConnectorUnderTest {
  /** Of all mailboxes; that of `people` first. */
  readonly addresses: readonly string[];
  readonly publicFolders: PublicFolders;
  /** Asked before each request: whether the connection ends before the server carries it out, or before it answers. */
  lose: (request: HttpRequest) => 'before' | 'after' | null;
  /** The server answers searches for manifests with what it found, and no manifest. */
  withoutManifests: boolean;
  /** The session of the next request has ended. */
  expireSessions(): void;
}

/** The WebDAV connector with a mailbox of the lab's Exchange 2003, in this process, signed in by the form. */
export async function openWebdavLab(itemMaxBytes: number, mailboxes = 1): Promise<WebdavLab> {
  const clock = new SteppingClock(1_700_000_000_000);
  const random = seededRandom('suite 2003');
  const lab = createLab({
    organizations: [{ name: 'lab', version: '2003', itemMaxBytes }],
    mailboxes,
    clock,
    throttling: 'off',
  });
  const { domain, world } = lab.organization('lab');
  const mailbox = must(world.mailbox(must(world.mailboxes[0], 'a mailbox').address), 'a mailbox');
  const spoolDir = mkdtempSync(join(tmpdir(), 'causeway-suite-'));
  const requestedAtMs: number[] = [];
  let latencyMs = 0;
  let expired = false;

  const request = async (connection: Connection, one: HttpRequest, signal: AbortSignal): Promise<HttpResponse> => {
    requestedAtMs.push(clock.monotonicMs());
    clock.advance(latencyMs);
    const loss = it.lose(one);
    const lost = () => {
      connection.close();
      return new FaultError({ kind: 'transient', detail: 'the connection was reset', mayHaveHappened: true });
    };
    if (loss === 'before') throw lost();
    const sent =
      expired && one.headers['cookie'] ? { ...one, headers: { ...one.headers, cookie: 'sessionid=ended' } } : one;
    if (sent !== one) expired = false;
    const response = await connection.request(await withoutRepl(sent), signal);
    if (loss === null) return response;
    for await (const _ of response.body);
    throw lost();
  };
  const withoutRepl = async (one: HttpRequest): Promise<HttpRequest> => {
    if (!it.withoutManifests || one.method !== 'SEARCH' || !(one.body instanceof Uint8Array)) return one;
    const body = Buffer.from(
      Buffer.from(one.body)
        .toString()
        .replace(/<R:repl>.*<\/R:repl>/, ''),
    );
    return { ...one, headers: { ...one.headers, 'content-length': String(body.length) }, body };
  };
  const inner = lab.transport();
  const transport: Transport = {
    async connect(...to) {
      const connection = await inner.connect(...to);
      return {
        channelBinding: connection.channelBinding,
        get usable() {
          return connection.usable;
        },
        request: (one, signal) => request(connection, one, signal),
        close: () => connection.close(),
      };
    },
  };
  const people = withDavIds(labMailbox(mailbox, lab.outbox), mailbox);
  const { user, password } = world.admin;
  const endpoint = `https://mail.${domain}/exchange/`;
  const signIn = formsSignIn({ user, password: async () => password });
  const http = davHttp({ transport, clock, endpoint, tls, signIn });
  const another = () => davConnector({ organization: 'lab', http, endpoint, clock, random, spoolDir });
  const it: WebdavLab = {
    addresses: world.mailboxes.map(({ address }) => address),
    get publicFolders() {
      return world.publicFolders;
    },
    lose: () => null,
    withoutManifests: false,
    expireSessions() {
      expired = true;
    },
    connector: another(),
    another,
    people,
    clock,
    requestedAtMs,
    setLatency(ms) {
      latencyMs = ms;
    },
    recoverableCount: () => people.recoverable().length,
    forgetCursors: () => lab.faults.set([{ point: 'stale-state', chance: 1, limit: 1 }]),
    async close() {
      http.close();
      await lab.close();
      rmSync(spoolDir, { recursive: true, force: true });
      if (lab.failures.length > 0) throw new Error('the lab broke on a request', { cause: lab.failures[0] });
    },
  };
  return it;
}

/** The same mailbox with the ids that WebDAV has for what is in it. */
function withDavIds(people: SimulatedMailbox, box: Mailbox): SimulatedMailbox {
  const noOf = (id: string): number => must(box.ids.read(id), 'an id of this mailbox').no;
  const folderOut = (id: FolderId): FolderId => flatPart(box, noOf(id)) as FolderId;
  const folderIn = (id: FolderId): FolderId =>
    folderIdOf(must(box.folderByNo(noOfFlatPart(box, id) ?? -1), 'a folder that is there')) as FolderId;
  const itemOut = (id: ItemId, folder: FolderId): ItemId => `${folderOut(folder)}/${flatPart(box, noOf(id))}` as ItemId;
  const itemIn = (id: ItemId): ItemId | null => {
    const item = box.itemByNo(noOfFlatPart(box, id.split('/')[1] ?? '') ?? -1);
    return item === null ? null : (itemIdOf(item) as ItemId);
  };
  const there = (id: ItemId): ItemId => must(itemIn(id), 'an item that is there');
  const shown = (item: SimulatedItem): SimulatedItem => ({
    ...item,
    id: itemOut(item.id, item.folder),
    folder: folderOut(item.folder),
  });
  const unlessGone = (id: ItemId, then: (id: ItemId) => void): void => {
    const own = itemIn(id);
    if (own !== null) then(own);
  };
  return {
    address: people.address,
    items: () => people.items().map(shown),
    folders: () =>
      people
        .folders()
        .map((one) => ({ ...one, id: folderOut(one.id), parent: one.parent === null ? null : folderOut(one.parent) })),
    recoverable: () => people.recoverable().map(shown),
    sent: () => people.sent(),
    get commits() {
      return people.commits;
    },
    deliver: (folder, mail) => itemOut(people.deliver(folderIn(folder), mail), folderIn(folder)),
    edit: (id, set) => unlessGone(id, (own) => people.edit(own, set)),
    rewrite: (id, mime, subject) => unlessGone(id, (own) => people.rewrite(own, mime, subject)),
    move: (id, to) => itemOut(people.move(there(id), folderIn(to)), folderIn(to)),
    copy: (id, to) => itemOut(people.copy(there(id), folderIn(to)), folderIn(to)),
    remove: (id) => unlessGone(id, (own) => people.remove(own)),
    touch: (id) => unlessGone(id, (own) => people.touch(own)),
    addFolder: (parent, name) => folderOut(people.addFolder(folderIn(parent), name)),
    renameFolder: (id, name) => people.renameFolder(folderIn(id), name),
    moveFolder: (id, parent) => people.moveFolder(folderIn(id), folderIn(parent)),
    discardFolder: (id) => people.discardFolder(folderIn(id)),
    removeFolder: (id) => people.removeFolder(folderIn(id)),
  };
}
