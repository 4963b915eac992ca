import { expect } from 'vitest';
import type { Context, Mailbox, TypedItems } from '#connectors/contract.ts';
import { must } from '#kit/assert.ts';
import { describeFault, isFault } from '#kit/fault.ts';
import type { AttachmentContent, AttachmentHead } from '#model/appointment.ts';
import type { FolderId } from '#model/ids.ts';
import type { MailContent, MailDraft } from '#model/mail.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedDraft, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import { openEwsLab } from '#test/connectors/ews-lab.fixture.ts';
import { openGraphLab } from '#test/connectors/graph-lab.fixture.ts';
import { openWebdavLab } from '#test/connectors/webdav-lab.fixture.ts';
import type { ConnectorUnderTest } from '#test/suites/connector-suite.ts';

export interface Station<Kind extends TypedKind = 'calendar'> {
  readonly version: string;
  readonly it: ConnectorUnderTest;
  readonly items: TypedItems<Kind>;
  readonly folder: FolderId;
}

type Version = '2003' | '2007' | '2010' | '2016' | 'online';
const itemBytesMax = 6 << 20;

function open(version: Version): Promise<ConnectorUnderTest> {
  if (version === '2003') return openWebdavLab(itemBytesMax);
  return version === 'online' ? openGraphLab(itemBytesMax) : openEwsLab(version, itemBytesMax);
}

export async function openStation<Kind extends TypedKind>(version: Version, kind: Kind): Promise<Station<Kind>> {
  const it = await open(version);
  const box = it.connector.mailbox(it.people.address);
  const folder = must((await box.roles(within(it))).get(kind), `a folder of ${kind}`);
  return { version, it, items: must(box.typed(kind), `${version} has ${kind}`), folder };
}

export interface MailStation {
  readonly version: string;
  readonly it: ConnectorUnderTest;
  readonly box: Mailbox;
  readonly folder: FolderId;
}

export async function openMailStation(version: Version): Promise<MailStation> {
  const it = await open(version);
  const box = it.connector.mailbox(it.people.address);
  return { version, it, box, folder: must((await box.roles(within(it))).get('inbox'), 'an inbox') };
}

/** Creates a mail and reads what has become of it. */
export async function mailArrived({ it, box, folder }: MailStation, draft: MailDraft): Promise<MailContent> {
  const [written] = await box.create(folder, [draft], within(it));
  if (written === undefined || isFault(written)) throw new Error(written ? describeFault(written) : 'no answer');
  const content = (await box.contents([{ id: written.id, sizeBytes: 0 }], within(it))).get(written.id);
  if (content === undefined || isFault(content)) throw new Error(content ? describeFault(content) : 'not read');
  return content;
}

const within = ({ clock }: ConnectorUnderTest): Context => ({
  signal: new AbortController().signal,
  deadlineMs: clock.monotonicMs() + 600_000,
});

/** Creates a draft and reads what has become of it. */
export async function arrived<Kind extends TypedKind>({ it, items, folder }: Station<Kind>, draft: TypedDraft<Kind>) {
  const [written] = await items.create(folder, [draft], within(it));
  if (written === undefined || isFault(written)) throw new Error(written ? describeFault(written) : 'no answer');
  const item = (await items.read([written.id], within(it))).get(written.id);
  if (item === undefined || isFault(item)) throw new Error(item ? describeFault(item) : 'not read');
  expect(item.head.version).toBe(written.version);
  return { written, item };
}

/** What is handed on: the item with its bytes, as a pass does it. */
export async function draftOf<Kind extends TypedKind>(
  { it, items }: Station<Kind>,
  item: TypedItem<Kind>,
  stamp: StampText,
): Promise<TypedDraft<Kind>> {
  const { id } = item.head;
  const { attachments = [] } = item.fields as { readonly attachments?: readonly AttachmentHead[] };
  const own = await items.attachments(id, null, attachments, within(it));
  /** Those of one content share their bytes. */
  const listed = (heads: readonly AttachmentHead[], found: ReadonlyMap<string, AttachmentContent>) =>
    heads.map((head) => ({ ...must(found.get(head.hash), 'an attachment that was listed'), head }));
  const ofDays = new Map<Day, readonly AttachmentContent[]>();
  for (const { day, overrides } of item.occurrences) {
    const heads = overrides.attachments ?? [];
    if (heads.length > 0) ofDays.set(day, listed(heads, await items.attachments(id, day, heads, within(it))));
  }
  return { item, attachments: listed(attachments, own), occurrenceAttachments: ofDays, stamp };
}
