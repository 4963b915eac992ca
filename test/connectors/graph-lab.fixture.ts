import { graphConnector } from '#connectors/graph/connector.ts';
import { graphHttp } from '#connectors/graph/graph-http.ts';
import { unfinishedFolderName } from '#connectors/graph/unfinished-mail.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { must } from '#kit/assert.ts';
import { FaultError } from '#kit/fault.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { Connection, HttpRequest, HttpResponse, Transport } from '#kit/transport.ts';
import { type GraphState, graphStateOf } from '#lab/graph/graph-state.ts';
import { attachmentsOfItem } from '#lab/graph/item-values.ts';
import { folderById, idOfFolder, idOfItem, itemById } from '#lab/graph/rest-ids.ts';
import { createLab, type Lab } from '#lab/lab.ts';
import type { Meetings } from '#lab/meetings/meetings.ts';
import type { Folder } from '#lab/world/folder.ts';
import { folderIdOf, itemIdOf } from '#lab/world/ids.ts';
import type { Attachment } from '#lab/world/item.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import type { Organization } from '#lab/world/organization.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import { labMailbox } from '#test/simulation/ews/lab-mailbox.ts';
import { folderByRole, type SimulatedItem, type SimulatedMailbox } from '#test/simulation/simulated-mailbox.ts';
import type { ConnectorUnderTest } from '#test/suites/connector-suite.ts';
import { graphProblems, haveGraphSchema } from '#test/suites/graph-schema.ts';

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

interface Refusal {
  readonly status: number;
  readonly code: string;
}

/** What the service says to what it does not do. */
const refusedAnswer = ({ status, code }: Refusal): HttpResponse => ({
  status,
  headers: { 'content-type': 'application/json', ...(status === 429 ? { 'retry-after': '1' } : {}) },
  body: (async function* () {
    yield Buffer.from(JSON.stringify({ error: { code, message: 'Refused.' } }));
  })(),
});

/** Which requests go wrong, and how. */
interface Trouble {
  /** The answer of the next such request does not come back. */
  lost: ((request: HttpRequest) => boolean) | null;
  /** The next ones do not arrive. */
  unsent: { readonly isIt: (request: HttpRequest) => boolean; left: number };
  /** The next ones are refused by the service. */
  refused: { readonly isIt: (request: HttpRequest) => boolean; readonly refusal: Refusal; left: number };
  hear: (request: HttpRequest) => void;
  /** From such a request on nothing comes through any more, as for a process that dies there. */
  deadly: (request: HttpRequest) => boolean;
  isDead: boolean;
}

export interface GraphLab extends ConnectorUnderTest {
  readonly world: Organization;
  readonly meetings: Meetings;
  readonly graph: GraphState;
  attachments(folder: FolderId, subject: string): readonly Attachment[];
  /** Messages that left the organization. */
  sent(): number;
  /** Messages in folders that nobody sees. */
  unfinished(): number;
  /** Exchanges that were held against the OpenAPI files; null: the files are not here. */
  checked(): number | null;
  /** Hears of every request before it is sent. */
  listen(hear: (request: HttpRequest) => void): void;
  answerLost(isIt: (request: HttpRequest) => boolean): void;
  /** So many of these do not arrive, and nobody can tell. */
  requestLost(isIt: (request: HttpRequest) => boolean, times?: number): void;
  /** So many of these are refused by the service. */
  refuses(isIt: (request: HttpRequest) => boolean, refusal: Refusal, times?: number): void;
  dies(isIt: (request: HttpRequest) => boolean): void;
}

const gone = (mayHaveHappened: boolean): FaultError =>
  new FaultError({ kind: 'transient', detail: 'the connection broke', mayHaveHappened });

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Everything that is said to the Graph and by it, against the OpenAPI files of the reference data. */
function schemaChecks() {
  const isHere = haveGraphSchema();
  const problems = new Set<string>();
  let heard = 0;
  return {
    problems,
    isHere,
    get count() {
      return heard;
    },
    async heard(origin: string, request: HttpRequest, response: HttpResponse): Promise<HttpResponse> {
      if (!isHere || !/^https:\/\/(?:graph|outlook)\./.test(origin)) return response;
      heard++;
      const chunks: Uint8Array[] = [];
      for await (const chunk of response.body) chunks.push(chunk);
      const answered = Buffer.concat(chunks);
      const { method, path, body } = request;
      for (const problem of graphProblems({
        method,
        url: `${origin}${path}`,
        request: body instanceof Uint8Array ? jsonOf(body) : undefined,
        status: response.status,
        answer: jsonOf(answered),
      }))
        problems.add(problem);
      const again = async function* () {
        yield answered;
      };
      return { ...response, body: again() };
    },
  };
}

/** The Graph connector with a mailbox of the lab's Exchange Online, in this process, signed in as an application. */
export async function openGraphLab(requestBytesMax: number, mailboxes = 1): Promise<GraphLab> {
  const clock = new SteppingClock(1_700_000_000_000);
  const lab = createLab({
    organizations: [{ name: 'lab', version: 'online', graph: { importMaxBytes: requestBytesMax } }],
    mailboxes,
    clock,
    throttling: 'off',
  });
  const { world } = lab.organization('lab');
  const mailbox = must(world.mailbox(must(world.mailboxes[0], 'a mailbox').address), 'a mailbox');
  const requestedAtMs: number[] = [];
  const checks = schemaChecks();
  const trouble: Trouble = {
    lost: null,
    unsent: { isIt: () => false, left: 0 },
    refused: { isIt: () => false, refusal: { status: 0, code: '' }, left: 0 },
    hear: () => {},
    deadly: () => false,
    isDead: false,
  };
  let latencyMs = 0;
  const request = async (
    origin: string,
    connection: Connection,
    one: HttpRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse> => {
    requestedAtMs.push(clock.monotonicMs());
    clock.advance(latencyMs);
    trouble.isDead ||= trouble.deadly(one);
    if (trouble.isDead) throw gone(false);
    trouble.hear(one);
    if (trouble.unsent.left > 0 && trouble.unsent.isIt(one)) {
      trouble.unsent.left--;
      throw gone(true);
    }
    if (trouble.refused.left > 0 && trouble.refused.isIt(one)) {
      trouble.refused.left--;
      return refusedAnswer(trouble.refused.refusal);
    }
    const isLost = trouble.lost?.(one) === true;
    const answer = await checks.heard(origin, one, await connection.request(one, signal));
    if (!isLost) return answer;
    trouble.lost = null;
    throw gone(true);
  };
  const inner = lab.transport();
  const transport: Transport = {
    async connect(origin, ...more) {
      const connection = await inner.connect(origin, ...more);
      return {
        channelBinding: connection.channelBinding,
        get usable() {
          return connection.usable;
        },
        request: (one, signal) => request(origin, connection, one, signal),
        close: () => connection.close(),
      };
    },
  };
  const people = withGraphIds(labMailbox(mailbox, lab.outbox), mailbox);
  const deletedItems = folderByRole(people, 'deleteditems');
  const { connector, close } = labConnector(lab, clock, transport, requestBytesMax);
  const others: (() => void)[] = [];
  return {
    connector,
    people,
    clock,
    requestedAtMs,
    world,
    meetings: lab.meetings,
    graph: graphStateOf(world),
    another() {
      const other = labConnector(lab, clock, transport, requestBytesMax);
      others.push(other.close);
      return other.connector;
    },
    attachments(folder, subject) {
      const of = [...folderById(mailbox, folder).items()].find(
        ({ content }) => content.properties.get('0x0037')?.value === subject,
      );
      return of === undefined ? [] : attachmentsOfItem(of);
    },
    sent: () => lab.outbox.length,
    unfinished: () =>
      [...mailbox.below(mailbox.folder('msgfolderroot'))]
        .filter(({ name }) => name === unfinishedFolderName)
        .reduce((sum, { count }) => sum + count, 0),
    checked: () => (checks.isHere ? checks.count : null),
    listen(hear) {
      trouble.hear = hear;
    },
    answerLost(isIt) {
      trouble.lost = isIt;
    },
    requestLost(isIt, times = 1) {
      trouble.unsent = { isIt, left: times };
    },
    refuses(isIt, refusal, times = 1) {
      trouble.refused = { isIt, refusal, left: times };
    },
    dies(isIt) {
      [trouble.deadly, trouble.isDead] = [isIt, false];
    },
    setLatency(ms) {
      latencyMs = ms;
    },
    // A DELETE of the Graph moves into Deleted Items, where whoever owns the mailbox finds it.
    recoverableCount: () =>
      people.recoverable().length + people.items().filter(({ folder }) => folder === deletedItems).length,
    forgetCursors: () => lab.faults.set([{ point: 'stale-state', chance: 1, limit: 1 }]),
    async close() {
      close();
      for (const end of others) end();
      await lab.close();
      if (lab.failures.length > 0) throw new Error('the lab broke on a request', { cause: lab.failures[0] });
      if (checks.problems.size > 0) throw new Error(`against the OpenAPI files: ${[...checks.problems].join('; ')}`);
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
