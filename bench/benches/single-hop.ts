import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { streamOfMessage } from '#formats/fast-transfer/stream-of-message.ts';
import { messageOfMime } from '#formats/mime-mapi/message-of-mime.ts';
import { must } from '#kit/assert.ts';
import type { Payload } from '#kit/payload.ts';
import { shippedThrottling } from '#lab/graph/graph-settings.ts';
import { graphStateOf } from '#lab/graph/graph-state.ts';
import { createLab, type OrganizationAddresses } from '#lab/lab.ts';
import { contentOfMime } from '#lab/world/read-message.ts';
import type { Bench, BenchOptions } from '../support/bench.ts';
import { bundle, childrenOf, cpuSecondsOf, runForJson, start } from '../support/processes.ts';
import { type ProjectEnd, writeProject } from '../support/project.ts';
import { against, round } from '../support/results.ts';

/** Windows of the service are so many times shorter, so that several of them go by. */
const faster = 10;
const sizes = { small: 4 * 1024, large: 1024 * 1024 } as const;
const perMinute = {
  requests: (shippedThrottling.requests * faster * 60_000) / shippedThrottling.requestsWindowMs,
  uploadMb: (shippedThrottling.uploadBytes * faster * 60_000) / shippedThrottling.uploadWindowMs / 2 ** 20,
};
/** Mails that take two windows of requests and six of uploads: less would measure how the program starts. */
const counts = { small: 22_000, large: 900 } as const;

type Kind = keyof typeof sizes;

interface Hop {
  readonly items: number;
  readonly seconds: number;
  readonly requests: number;
  readonly uploadedMb: number;
  /** Of what the service allows in that time. */
  readonly requestShare: number;
  readonly uploadShare: number;
  readonly refused: number;
  readonly cpuMsPerItem: number;
}

/** A mail with text that does not repeat itself, the larger part of it an attachment. */
function mime(no: number, bytes: number): Buffer {
  const boundary = `=_${no}`;
  const head = `From: Ana <ana@source.test>\r\nTo: Ben <ben@source.test>\r\nSubject: Report ${no}\r\nMessage-ID: <${no}@bench.source.test>\r\nDate: Mon, 5 Jan 2026 08:00:00 +0000\r\nMIME-Version: 1.0\r\n`;
  if (bytes < 64 * 1024)
    return Buffer.from(
      `${head}Content-Type: text/plain; charset=utf-8\r\n\r\n${`Line of mail ${no}.\r\n`.repeat(200)}`.slice(0, bytes),
    );
  const attached = Buffer.alloc(Math.floor((bytes * 3) / 4.2), no & 0xff);
  for (let at = 0; at < attached.length; at += 97) attached[at] = (at * 31 + no) & 0xff;
  const lines = attached.toString('base64').replace(/.{76}/g, '$&\r\n');
  return Buffer.from(
    `${head}Content-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n--${boundary}\r\nContent-Type: text/plain\r\n\r\nSee ${no}.\r\n--${boundary}\r\nContent-Type: application/octet-stream; name=data.bin\r\nContent-Disposition: attachment; filename=data.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n${lines}\r\n--${boundary}--\r\n`,
  );
}

function openLab(kind: Kind, items: number) {
  const lab = createLab({
    organizations: [
      { name: 'source', version: '2003' },
      {
        name: 'target',
        version: 'online',
        throttling: 'shipped',
        graph: { throttling: { ...shippedThrottling, faster } },
      },
    ],
    mailboxes: 1,
  });
  const { address } = must(lab.organization('source').world.mailboxes[0], 'a mailbox');
  const box = must(lab.world.mailbox(address), 'a mailbox');
  const inbox = box.folder('inbox');
  for (let no = 1; no <= items; no++)
    box.create(
      inbox,
      { content: contentOfMime(mime(no, sizes[kind])), messageFlags: 1, isRead: no % 2 === 0 },
      box.server,
    );
  return lab;
}

const endOf = ({ name, webdav, graph, ca, admin, application }: OrganizationAddresses): ProjectEnd => ({
  name,
  endpoint: must(webdav ?? graph, 'one of both'),
  user: admin.user,
  password: admin.password,
  ca,
  ...(application === undefined || graph === undefined
    ? {
        signIn: `method: forms, user: ${JSON.stringify(admin.user)}, password: 'file:${name}.secret'`,
        lines: ['version: 2003'],
      }
    : {
        signIn: `method: oauth, tenant: ${application.tenant}, clientId: ${application.clientId}, clientSecret: 'file:${name}.secret', authority: ${JSON.stringify(graph)}`,
        lines: [
          'version: online',
          `redirectHosts: [${new URL(graph).hostname}]`,
          `budgets: { perMailbox: { requestsPerMinute: ${perMinute.requests}, bytesPerMinute: ${perMinute.uploadMb} MB } }`,
        ],
      }),
});

/** What one way of copying used of the service's allowance. */
async function measured(
  lab: ReturnType<typeof openLab>,
  items: number,
  copy: () => Promise<{ readonly cpuSeconds: number }>,
): Promise<Hop> {
  const { throttle } = graphStateOf(lab.organization('target').world);
  const used = () =>
    throttle.counters.reduce(
      (sum, one) => ({
        requests: sum.requests + one.requests,
        bytes: sum.bytes + one.uploadedBytes,
        refused: sum.refused + one.refused,
      }),
      { requests: 0, bytes: 0, refused: 0 },
    );
  const before = used();
  const startedMs = performance.now();
  const { cpuSeconds } = await copy();
  const seconds = (performance.now() - startedMs) / 1000;
  const after = used();
  const requests = after.requests - before.requests;
  const bytes = after.bytes - before.bytes;
  const { requests: most, requestsWindowMs, uploadBytes, uploadWindowMs } = shippedThrottling;
  const allowed = (limit: number, windowMs: number) => (limit * seconds * 1000 * faster) / windowMs;
  return {
    items,
    seconds: round(seconds),
    requests,
    uploadedMb: round(bytes / 2 ** 20),
    requestShare: round(requests / allowed(most, requestsWindowMs)),
    uploadShare: round(bytes / allowed(uploadBytes, uploadWindowMs)),
    refused: after.refused - before.refused,
    cpuMsPerItem: round((cpuSeconds * 1000) / items),
  };
}

/** `causeway sync` of one mailbox, in processes of its own. */
async function causeway(kind: Kind, items: number): Promise<Hop> {
  const lab = openLab(kind, items);
  try {
    const [source, target] = (await lab.listen()).orgs;
    const [from, to] = [must(source, 'a source'), must(target, 'a target')];
    const written = writeProject(endOf(from), endOf(to), [
      [must(from.mailboxes[0], 'one').address, must(to.mailboxes[0], 'one').address],
    ]);
    try {
      return await measured(lab, items, async () => {
        const agent = start(process.execPath, [bundle('cli'), 'sync', '--json', '--project', written.file]);
        agent.child.stdout?.resume();
        let cpuSeconds = 0;
        let ended: number | string | null = null;
        void agent.ended.then((how) => (ended = how));
        while (ended === null) {
          await delay(200);
          const now = [agent.pid, ...childrenOf(agent.pid)].reduce((sum, pid) => sum + (cpuSecondsOf(pid) ?? 0), 0);
          cpuSeconds = Math.max(cpuSeconds, now);
        }
        const address = must(to.mailboxes[0], 'one').address;
        const arrived = must(lab.world.mailbox(address), 'one').folder('inbox').count;
        if (ended !== 0 || arrived !== items)
          throw new Error(`causeway sync ended with ${ended}, ${arrived} of ${items} arrived: ${agent.complaints()}`);
        return { cpuSeconds };
      });
    } finally {
      written.remove();
    }
  } finally {
    await lab.close();
  }
}

/** The bare copier, under the same limits. */
async function bare(kind: Kind, items: number): Promise<Hop> {
  const lab = openLab(kind, items);
  const folder = mkdtempSync(join(tmpdir(), 'causeway-bench-'));
  try {
    const [from, to] = (await lab.listen()).orgs.map((one) => ({
      ...one,
      mailbox: must(one.mailboxes[0], 'one').address,
    }));
    const [source, target] = [must(from, 'a source'), must(to, 'a target')];
    const file = join(folder, 'stream');
    writeFileSync(file, await whole(streamOfMessage(messageOfMime(mime(1, sizes[kind])))));
    process.env['NODE_EXTRA_CA_CERTS'] = source.ca;
    const { user, password } = source.admin;
    const ends = [
      { url: `${source.webdav}${source.mailbox.split('@')[0]}`, user, password },
      { graph: target.graph, ...target.application, secret: target.admin.password, mailbox: target.mailbox },
    ].map((end) => JSON.stringify(end));
    return await measured(lab, items, () =>
      runForJson<{ readonly cpuSeconds: number }>(process.execPath, [bundle('bench-single-hop-copy'), ...ends, file]),
    );
  } finally {
    delete process.env['NODE_EXTRA_CA_CERTS'];
    rmSync(folder, { recursive: true, force: true });
    await lab.close();
  }
}

async function whole(stream: Payload): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream.bytes()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * Mail of one mailbox from Exchange 2003 to Exchange Online under the service's limits, whose windows are shortened: how much of what is
 * allowed is used, by the whole program and by a bare copier.
 */
export const singleHop: Bench = async ({ quick, items, only, say }: BenchOptions) => {
  const wanted = (['small', 'large'] as const).filter((kind) => only === null || only.includes(kind));
  const hops: Partial<Record<Kind, { readonly causeway: Hop; readonly bare: Hop }>> = {};
  for (const kind of wanted) {
    const count = items ?? Math.ceil(counts[kind] / (quick ? 10 : 1));
    const ours = await causeway(kind, count);
    say(`${kind}: Causeway ${JSON.stringify(ours)}`);
    const copier = await bare(kind, count);
    say(`${kind}: bare copier ${JSON.stringify(copier)}`);
    hops[kind] = { causeway: ours, bare: copier };
  }
  const { small, large } = hops;
  const requestsPerItem = small ? round(small.causeway.requests / small.causeway.items) : null;
  return {
    figures: { small: small ?? null, large: large ?? null, requestsPerItem },
    lines: [
      against(
        'large mail: share of the uploads allowed',
        large?.causeway.uploadShare ?? null,
        '≥ 0.9',
        (share) => share >= 0.9,
      ),
      against(
        'small mail: share of the requests allowed',
        small?.causeway.requestShare ?? null,
        '≥ 0.9',
        (share) => share >= 0.9,
      ),
      against('small mail: requests an item', requestsPerItem, '≤ 1.2', (count) => count <= 1.2),
      ...wanted.flatMap((kind) => {
        const both = hops[kind];
        return both === undefined
          ? []
          : [
              `    ${kind}: ${both.causeway.cpuMsPerItem} ms CPU an item, ${both.causeway.refused} refused; bare copier ${both.bare.cpuMsPerItem} ms, ${both.bare.refused} refused, ${kind === 'small' ? both.bare.requestShare : both.bare.uploadShare} of what is allowed`,
            ];
      }),
    ],
    details: { faster, sizes },
  };
};
