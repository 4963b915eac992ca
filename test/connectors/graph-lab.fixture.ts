import { graphConnector } from '#connectors/graph/connector.ts';
import { graphHttp } from '#connectors/graph/graph-http.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { must } from '#kit/assert.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { Connection, HttpRequest, HttpResponse, Transport } from '#kit/transport.ts';
import { folderById, idOfFolder, idOfItem, itemById } from '#lab/graph/rest-ids.ts';
import { createLab, type Lab } from '#lab/lab.ts';
import type { Folder } from '#lab/world/folder.ts';
import { folderIdOf, itemIdOf } from '#lab/world/ids.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import { labMailbox } from '#test/simulation/ews/lab-mailbox.ts';
import { folderByRole, type SimulatedItem, type SimulatedMailbox } from '#test/simulation/simulated-mailbox.ts';
import type { ConnectorUnderTest } from '#test/suites/connector-suite.ts';

const tls = { ca: [], min: '1.2' } as const;

/** What a connector of a lab's Exchange Online is made with. */
function labConnector(lab: Lab, clock: SteppingClock, transport: Transport, requestBytesMax: number) {
  const { domain, applications } = lab.organization('lab');
  const random = seededRandom('graph');
  const application = must(applications[0], 'an application');
  const endpoint = `https://graph.${domain}`;
  const signIn = createSignIn(
    {
      method: 'oauth',
      tenant: domain,
      clientId: application.clientId,
      credential: { kind: 'secret', secret: async () => must(application.secrets[0], 'a secret') },
      authority: `https://login.${domain}`,
      scope: `${endpoint}/.default`,
    },
    { clock, random, transport, tls },
  );
  const http = graphHttp({ transport, clock, random, endpoint, tls, signIn });
  const connector = graphConnector({
    organization: 'lab',
    http,
    endpoint,
    clock,
    random,
    importHosts: [`outlook.${domain}`],
    requestBytesMax,
  });
  return { connector, close: () => http.close() };
}

/** The Graph connector with a mailbox of the lab's Exchange Online, in this process, signed in as an application. */
export async function openGraphLab(requestBytesMax: number): Promise<ConnectorUnderTest> {
  const clock = new SteppingClock(1_700_000_000_000);
  const lab = createLab({
    organizations: [{ name: 'lab', version: 'online', graph: { importMaxBytes: requestBytesMax } }],
    mailboxes: 1,
    clock,
    throttling: 'off',
  });
  const { world } = lab.organization('lab');
  const mailbox = must(world.mailbox(must(world.mailboxes[0], 'a mailbox').address), 'a mailbox');
  const requestedAtMs: number[] = [];
  let latencyMs = 0;
  const request = async (connection: Connection, one: HttpRequest, signal: AbortSignal): Promise<HttpResponse> => {
    requestedAtMs.push(clock.monotonicMs());
    clock.advance(latencyMs);
    return connection.request(one, signal);
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
  const people = withGraphIds(labMailbox(mailbox, lab.outbox), mailbox);
  const deletedItems = folderByRole(people, 'deleteditems');
  const { connector, close } = labConnector(lab, clock, transport, requestBytesMax);
  return {
    connector,
    people,
    clock,
    requestedAtMs,
    setLatency(ms) {
      latencyMs = ms;
    },
    // A DELETE of the Graph moves into Deleted Items, where whoever owns the mailbox finds it.
    recoverableCount: () =>
      people.recoverable().length + people.items().filter(({ folder }) => folder === deletedItems).length,
    forgetCursors: () => lab.faults.set([{ point: 'stale-state', chance: 1, limit: 1 }]),
    async close() {
      close();
      await lab.close();
      if (lab.failures.length > 0) throw new Error('the lab broke on a request', { cause: lab.failures[0] });
    },
  };
}

/** People know their mail by the ids of EWS, the connector by those of the Graph and the folder they lie in. */
function withGraphIds(people: SimulatedMailbox, box: Mailbox): SimulatedMailbox {
  const folderOf = (id: FolderId): Folder => folderById(box, id);
  const inner = (id: FolderId): FolderId => folderIdOf(folderOf(id)) as FolderId;
  const outer = (id: FolderId): FolderId => {
    const read = must(box.ids.read(id), 'an id of the lab');
    return idOfFolder(must(box.folderByNo(read.no), 'a folder that is there')) as FolderId;
  };
  const shown = (id: ItemId): ItemId => {
    const read = must(box.ids.read(id), 'an id of the lab');
    const item = must(box.itemByNo(read.no), 'an item that is there');
    return `${idOfItem(item, true)}@${idOfFolder(item.folder)}` as ItemId;
  };
  /** Under which id the lab has it; one that lies elsewhere by now is not there. */
  const known = (id: ItemId): ItemId => {
    const at = id.lastIndexOf('@');
    try {
      const item = itemById(box, id.slice(0, at));
      return (idOfFolder(item.folder) === id.slice(at + 1) ? itemIdOf(item) : 'gone') as ItemId;
    } catch {
      return 'gone' as ItemId;
    }
  };
  const renamed = (item: SimulatedItem): SimulatedItem => ({ ...item, id: shown(item.id), folder: outer(item.folder) });
  return {
    ...people,
    get commits() {
      return people.commits;
    },
    items: () => people.items().map(renamed),
    folders: () =>
      people.folders().map((one) => ({
        ...one,
        id: outer(one.id),
        parent: one.parent === null ? null : outer(one.parent),
      })),
    deliver: (folder, mail) => shown(people.deliver(inner(folder), mail)),
    edit: (id, set) => people.edit(known(id), set),
    rewrite: (id, mime, subject) => people.rewrite(known(id), mime, subject),
    move: (id, to) => shown(people.move(known(id), inner(to))),
    copy: (id, to) => shown(people.copy(known(id), inner(to))),
    remove: (id) => people.remove(known(id)),
    touch: (id) => people.touch(known(id)),
    addFolder: (parent, name) => outer(people.addFolder(inner(parent), name)),
    renameFolder: (id, name) => people.renameFolder(inner(id), name),
    moveFolder: (id, parent) => people.moveFolder(inner(id), inner(parent)),
    discardFolder: (id) => people.discardFolder(inner(id)),
    removeFolder: (id) => people.removeFolder(inner(id)),
  };
}
