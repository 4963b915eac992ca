/**
 * A canned EWS server in a process of its own: what a benchmark measures is its client. Answers are rendered ahead; of a request no
 * more is read than what a correct answer needs: the operation, ids, the number of items, and the stamps that the feed has to show
 * later. Knows no rights, no faults, no other operations.
 *
 *   node dist/bench-responder.js ITEMS MIME_BYTES
 *
 * Prints `{"url"}` when it is ready. Below it: `/source/EWS/Exchange.asmx`, `/target/EWS/Exchange.asmx` and `/stats`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CannedAnswers, cannedAnswers, itemsIn, type Side } from './canned/answers.ts';

const [items = 0, mimeBytes = 0] = process.argv.slice(2).map(Number);
const answers: Readonly<Record<Side, CannedAnswers>> = {
  source: cannedAnswers('source', { items, mimeBytes }),
  target: cannedAnswers('target', { items, mimeBytes }),
};
/** Stamps of what was created, by mailbox. */
const created = new Map<number, (string | null)[]>();
const stats = { requests: 0, bytesIn: 0, bytesOut: 0 };

const createdIn = (mailbox: number): (string | null)[] => {
  const there = created.get(mailbox) ?? [];
  created.set(mailbox, there);
  return there;
};

/** How much of a request is looked at as text: the envelope's header and what stands before items. */
const beginningBytes = 8 * 1024;

function answerTo(side: Side, request: Buffer): readonly Buffer[] | null {
  const beginning = request.toString('latin1', 0, beginningBytes);
  const operation = /:Body>\s*<(?:\w+:)?(\w+)/.exec(beginning)?.[1];
  const mailbox = Number(/\bm(\d{4})@/.exec(beginning)?.[1] ?? 0);
  const canned = answers[side];
  switch (operation) {
    case 'FindFolder':
      return canned.findFolder(mailbox, side === 'source' ? items : createdIn(mailbox).length);
    case 'GetFolder': {
      const ids = beginning.slice(beginning.indexOf('FolderIds>'));
      const names = [...ids.matchAll(/<t:(?:DistinguishedFolderId Id="(\w+)"|FolderId )/g)].map(
        ([, name]) => name ?? '#',
      );
      return canned.getFolder(mailbox, names, side === 'source' ? items : createdIn(mailbox).length);
    }
    case 'SyncFolderItems': {
      const offset = Number(/SyncState>c[a-z]+(\d+)</.exec(beginning)?.[1] ?? 0);
      const max = Number(/MaxChangesReturned>(\d+)</.exec(beginning)?.[1] ?? 1);
      return canned.sync(mailbox, offset, max, side === 'source' ? null : createdIn(mailbox));
    }
    case 'GetItem': {
      const withMime = /MimeContent/.test(beginning);
      const want = withMime ? (beginning.includes('ExtendedFieldURI') ? 'all' : 'mime') : 'head';
      return canned.getItem(mailbox, itemsIn(request, side), want);
    }
    case 'CreateItem': {
      const there = createdIn(mailbox);
      const first = there.length;
      for (const stamp of stampsIn(request)) there.push(stamp);
      return canned.createItem(mailbox, first, there.length - first);
    }
    default:
      return null;
  }
}

/** One entry for each message of a CreateItem. */
function* stampsIn(request: Buffer): Generator<string | null> {
  const open = '<t:Message>';
  for (let at = request.indexOf(open); at >= 0; ) {
    const next = request.indexOf(open, at + open.length);
    const stamp = request.indexOf('cw1;', at);
    const here = stamp >= 0 && (next < 0 || stamp < next);
    yield here ? request.toString('latin1', stamp, request.indexOf('<', stamp)) : null;
    at = next;
  }
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === '/stats') {
    const { user, system } = process.cpuUsage();
    const made = [...created.values()].reduce((sum, there) => sum + there.length, 0);
    response.end(JSON.stringify({ ...stats, created: made, cpuSeconds: (user + system) / 1e6 }));
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
  const parts = answerTo(request.url?.startsWith('/source/') ? 'source' : 'target', body);
  if (!parts) {
    response.writeHead(501, { 'content-type': 'text/plain' }).end('the canned responder has no answer to this');
    return;
  }
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  stats.requests++;
  stats.bytesIn += body.length;
  stats.bytesOut += length;
  response.writeHead(200, { 'content-type': 'text/xml; charset=utf-8', 'content-length': length });
  response.cork();
  for (const part of parts) response.write(part);
  response.end();
  response.uncork();
}

const server = createServer(
  { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 600_000 },
  (request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  },
);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })}\n`);
});
process.once('SIGTERM', () => process.exit(0));
