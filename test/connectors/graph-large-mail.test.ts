import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { FaultError, isFault } from '#kit/fault.ts';
import type { HttpRequest } from '#kit/transport.ts';
import type { FolderId } from '#model/ids.ts';
import { type GraphLab, openGraphLab } from './graph-lab.fixture.ts';
import { mailDraft } from './graph-mail.fixture.ts';

const importBytesMax = 4 << 20;
const opened: GraphLab[] = [];
async function open() {
  const it = await openGraphLab(importBytesMax);
  opened.push(it);
  const context = () => ({ signal: new AbortController().signal, deadlineMs: it.clock.monotonicMs() + 600_000 });
  const box = it.connector.mailbox(it.people.address);
  const inbox = must((await box.roles(context())).get('inbox'), 'an inbox');
  return { it, box, inbox, context };
}
afterEach(async () => {
  for (const it of opened.splice(0)) await it.close();
});

interface File {
  readonly name: string;
  readonly content: Buffer;
  readonly contentId?: string;
}

/** Text and files; those with a content id are shown in the text. */
function mimeOf(subject: string, files: readonly File[]): Buffer {
  const part = ({ name, content, contentId }: File) =>
    [
      `--b\r\nContent-Type: application/octet-stream; name="${name}"`,
      `Content-Disposition: ${contentId === undefined ? 'attachment' : 'inline'}; filename="${name}"`,
      ...(contentId === undefined ? [] : [`Content-ID: <${contentId}>`]),
      `Content-Transfer-Encoding: base64\r\n\r\n${content.toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n`,
    ].join('\r\n');
  const head = `From: Ana <ana@source.test>\r\nTo: Ben <ben@source.test>\r\nSubject: ${subject}\r\nX-Kept: header\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>see <img src="cid:pic"></p>\r\n`;
  return Buffer.from(`${head}${files.map(part).join('')}--b--\r\n`);
}

const files: readonly File[] = [
  { name: 'small first.bin', content: randomBytes(1000) },
  { name: 'large.bin', content: randomBytes(8_000_000) },
  { name: 'picture.bin', content: randomBytes(200_000), contentId: 'pic' },
  { name: 'exactly.bin', content: randomBytes(3_000_000) },
  { name: 'just below.bin', content: randomBytes(2_999_999) },
];

describe('mail that is larger than a request', () => {
  test('arrives whole: its files, times, headers and stamp; no draft, and nothing is sent', async () => {
    const { it, box, inbox, context } = await open();
    const draft = mailDraft(mimeOf('large', files), { messageFlags: 1 });
    const [written] = await box.create(inbox, [draft], context());
    if (written === undefined || isFault(written)) throw new Error(JSON.stringify(written));
    const { changes } = await box.changes(inbox, null, context());
    expect(changes).toHaveLength(1);
    const [change] = changes;
    if (change?.kind !== 'upsert') throw new Error('it is not shown');
    // Under the id and the version that the create told.
    expect([change.head.id, change.head.version]).toEqual([written.id, written.version]);
    expect(change.head.stamp).toBe(draft.stamp);
    expect(change.head.facts).toMatchObject({
      sentAt: 1_600_000_000_000,
      receivedAt: 1_600_000_005_000,
      subject: 'large',
      hasAttachments: true,
    });
    expect(change.head.facts.messageFlags & 8).toBe(0);
    expect(change.head.state.isRead).toBe(true);
    const attached = it.attachments(inbox, 'large');
    expect(attached.map(({ name }) => name)).toEqual(files.map(({ name }) => name));
    for (const [at, { content, contentId, name }] of files.entries()) {
      expect(attached[at]?.content.equals(content), name).toBe(true);
      expect(attached[at]?.contentId ?? undefined, name).toBe(contentId);
    }
    const contents = must(
      (await box.contents([{ id: written.id, sizeBytes: 0 }], context())).get(written.id),
      'its content',
    );
    if (isFault(contents)) throw new Error(contents.kind);
    const chunks: Uint8Array[] = [];
    for await (const chunk of contents.mime.bytes()) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString('latin1')).toContain('X-Kept: header');
    expect(it.sent()).toBe(0);
    // Nobody sees where it was made.
    expect((await box.tree(context())).folders.filter(({ name }) => name.includes('Causeway'))).toEqual([]);
    expect(it.unfinished()).toBe(0);
    expect(it.checked() ?? Number.POSITIVE_INFINITY).toBeGreaterThan(10);
  });

  const breaks: readonly (readonly [string, (request: HttpRequest) => boolean])[] = [
    ['the import', ({ path }) => path.includes('importItem')],
    ['the look at what is attached', ({ method, path }) => method === 'GET' && path.includes('/attachments?')],
  ];
  test.each(breaks)('a connection that dies at %s leaves nothing behind that somebody sees', async (_, isIt) => {
    const { it, box, inbox, context } = await open();
    const draft = mailDraft(mimeOf('large', files));
    it.answerLost(isIt);
    const fault = await box.create(inbox, [draft], context()).then(
      ([answer]) => answer,
      (error: unknown) => (error instanceof FaultError ? error.fault : Promise.reject(error)),
    );
    // So it may be made again at once.
    expect(fault).toMatchObject({ kind: 'transient', mayHaveHappened: false });
    expect((await box.changes(inbox, null, context())).changes).toEqual([]);
    expect((await box.findByStamp(inbox, [draft.stamp], context())).size).toBe(0);
    const [again] = await box.create(inbox, [draft], context());
    expect(again).toMatchObject({ id: expect.any(String) });
    expect(it.attachments(inbox, 'large')).toHaveLength(files.length);
    expect((await box.changes(inbox, null, context())).changes).toHaveLength(1);
  });

  const isRange = ({ method }: HttpRequest): boolean => method === 'PUT';
  const isState = ({ method, path }: HttpRequest): boolean => method === 'GET' && path.includes('AttachmentSessions');
  const isSession = ({ path }: HttpRequest): boolean => path.endsWith('createUploadSession');
  const isPost = ({ method, path }: HttpRequest): boolean => method === 'POST' && path.endsWith('/attachments');
  const rangeOf = ({ headers }: HttpRequest): string => String(headers['content-range']);
  /** Ranges of the file of 8 MB, which has three. */
  const ofLarge = (request: HttpRequest): boolean => isRange(request) && rangeOf(request).endsWith('/8000000');
  const ranges = ['bytes 0-3749999/8000000', 'bytes 3750000-7499999/8000000', 'bytes 7500000-7999999/8000000'] as const;

  /** Makes a large mail while something breaks. @returns the requests about its largest file, in order */
  async function makeThrough(plant: (it: GraphLab) => void): Promise<readonly string[]> {
    const { it, box, inbox, context } = await open();
    plant(it);
    const seen: string[] = [];
    it.listen((request) => {
      if (ofLarge(request)) seen.push(rangeOf(request));
      else if (isState(request)) seen.push('asked');
    });
    // The third is posted after the second.
    const three = files.slice(0, 3);
    const [written] = await box.create(inbox, [mailDraft(mimeOf('large', three))], context());
    expect(written).toMatchObject({ id: expect.any(String) });
    const attached = it.attachments(inbox, 'large');
    expect(attached.map(({ name }) => name)).toEqual(three.map(({ name }) => name));
    for (const [at, { content, name }] of three.entries())
      expect(attached[at]?.content.equals(content), name).toBe(true);
    expect((await box.changes(inbox, null, context())).changes).toHaveLength(1);
    expect(it.unfinished()).toBe(0);
    expect(it.sent()).toBe(0);
    return seen;
  }
  const [first, second, third] = ranges;
  const nth = (isIt: (request: HttpRequest) => boolean, n: number) => {
    let count = 0;
    return (request: HttpRequest) => isIt(request) && ++count === n;
  };

  const interruptions: readonly (readonly [string, (it: GraphLab) => void, readonly string[]])[] = [
    ['nothing breaks', () => {}, [...ranges]],
    [
      'the answer to a range is lost: it is there, and the next one follows',
      (it) => it.answerLost(nth(ofLarge, 2)),
      [first, second, 'asked', third],
    ],
    [
      'a range does not arrive: it is sent again, and nothing before it',
      (it) => it.requestLost(nth(ofLarge, 2)),
      [first, second, 'asked', second, third],
    ],
    [
      'the answer to the last range is lost: the file is among the attachments, and not attached twice',
      (it) => it.answerLost(nth(ofLarge, 3)),
      [...ranges, 'asked'],
    ],
    ['the last range does not arrive', (it) => it.requestLost(nth(ofLarge, 3)), [...ranges, 'asked', third]],
    [
      'the answer to where it stands is lost, too',
      (it) => {
        it.requestLost(nth(ofLarge, 2));
        it.answerLost(isState);
      },
      [first, second, 'asked', 'asked', second, third],
    ],
    [
      'the session runs out: a new one begins at the beginning',
      (it) => {
        it.graph.configure({ uploadSessionMs: 100 });
        it.requestLost(nth(ofLarge, 3));
      },
      [...ranges, 'asked', ...ranges],
    ],
    [
      'a service that does not say where a session stands: a new one, and no file twice',
      (it) => {
        it.graph.configure({ tellsUploadState: false });
        it.answerLost(nth(ofLarge, 2));
      },
      [first, second, 'asked', ...ranges],
    ],
  ];
  test.each(interruptions)('%s', async (_, plant, expected) => {
    expect(await makeThrough(plant)).toEqual(expected);
  });

  test.each([
    ['the answer to the opening of a session', (it: GraphLab) => it.answerLost(isSession)],
    ['the opening of a session', (it: GraphLab) => it.requestLost(isSession)],
    ['the answer to a posted file', (it: GraphLab) => it.answerLost(isPost)],
    ['a posted file', (it: GraphLab) => it.requestLost(isPost)],
  ])('%s is lost: it is asked for again, and no file is there twice', async (_, plant) => {
    expect(await makeThrough(plant)).toEqual([...ranges]);
  });

  test('a connection that never comes back ends it, with nothing that somebody sees', async () => {
    const { it, box, inbox, context } = await open();
    it.requestLost(isRange, Number.POSITIVE_INFINITY);
    const outcome = await box.create(inbox, [mailDraft(mimeOf('large', files))], context()).then(
      ([answer]) => answer,
      (error: unknown) => (error instanceof FaultError ? error.fault : Promise.reject(error)),
    );
    expect(outcome).toMatchObject({ kind: 'transient', mayHaveHappened: false });
    expect((await box.changes(inbox, null, context())).changes).toEqual([]);
    expect(it.unfinished()).toBe(0);
  });

  test('a session that runs out time after time is named', async () => {
    const { it, box, inbox, context } = await open();
    it.graph.configure({ uploadSessionMs: 0 });
    const outcome = await box.create(inbox, [mailDraft(mimeOf('large', files))], context()).then(
      ([answer]) => answer,
      (error: unknown) => (error instanceof FaultError ? error.fault : Promise.reject(error)),
    );
    // Not that its folder is gone: the rest of the mailbox is not to stop for it.
    expect(outcome).toMatchObject({ kind: 'transient', detail: expect.stringContaining('upload session') });
    expect(it.unfinished()).toBe(0);
  });

  test('a lost answer at the end may have made it, and the feed tells that it did', async () => {
    const { it, box, inbox, context } = await open();
    const draft = mailDraft(mimeOf('large', files));
    it.answerLost(({ path }) => path.endsWith('/move'));
    const outcome = await box.create(inbox, [draft], context()).then(
      ([answer]) => answer,
      (error: unknown) => (error instanceof FaultError ? error.fault : Promise.reject(error)),
    );
    expect(outcome).toMatchObject({ kind: 'transient', mayHaveHappened: true });
    expect((await box.findByStamp(inbox, [draft.stamp], context())).get(draft.stamp)).toHaveLength(1);
    expect(it.attachments(inbox, 'large')).toHaveLength(files.length);
  });

  test('what somebody left unfinished is removed by the next one, when it is old', async () => {
    const { it, inbox, context } = await open();
    const dead = it.another();
    it.dies(({ method }) => method === 'PUT');
    await dead
      .mailbox(it.people.address)
      .create(inbox, [mailDraft(mimeOf('dead', files))], context())
      .catch(() => {});
    expect(it.unfinished()).toBe(1);
    it.dies(() => false);
    const soon = it.another().mailbox(it.people.address);
    expect((await soon.create(inbox, [mailDraft(mimeOf('one', files))], context())).filter(isFault)).toEqual([]);
    expect(it.unfinished()).toBe(1);
    it.clock.advance(7 * 3_600_000);
    const later = it.another().mailbox(it.people.address);
    expect((await later.create(inbox, [mailDraft(mimeOf('two', files))], context())).filter(isFault)).toEqual([]);
    expect(it.unfinished()).toBe(0);
    expect(it.sent()).toBe(0);
  });

  const refusals: readonly (readonly [string, (it: GraphLab) => void, string])[] = [
    ['a service that attaches to drafts only', (it) => it.graph.configure({ attachmentsToDraftsOnly: true }), 'draft'],
    ['a tenant with a smaller limit', (it) => it.graph.configure({ messageMaxBytes: 5_000_000 }), 'SizeExceeded'],
  ];
  test.each(refusals)('%s: too large, with the reason, and the rest goes on', async (_, configure, reason) => {
    const { it, box, inbox, context } = await open();
    configure(it);
    const [small, large] = await box.create(
      inbox,
      [mailDraft('Subject: small\r\n\r\nx\r\n'), mailDraft(mimeOf('large', files))],
      context(),
    );
    expect(isFault(must(small, 'an answer'))).toBe(false);
    expect(large).toMatchObject({ kind: 'poison', reason: 'too-large', detail: expect.stringContaining(reason) });
    expect(it.unfinished()).toBe(0);
    expect((await box.changes(inbox as FolderId, null, context())).changes).toHaveLength(1);
  });

  test('what no request about attachments can say is not left out: a large message in a message is too large', async () => {
    const { box, inbox, context } = await open();
    const inner = mimeOf('inner', [{ name: 'x.bin', content: randomBytes(5_000_000) }]).toString('latin1');
    const outer = `Subject: outer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n${inner}\r\n--o--\r\n`;
    const [answer] = await box.create(inbox, [mailDraft(Buffer.from(outer, 'latin1'))], context());
    expect(answer).toMatchObject({ kind: 'poison', reason: 'too-large' });
  });
});
