import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseXmlBytes } from '#formats/text/xml-read.ts';
import { rawXml } from '#formats/text/xml-write.ts';
import { payloadOfBytes } from '#kit/payload.ts';
import type { EventFields } from '#model/appointment.ts';
import { eventFields, eventProperties } from '#model/event-properties.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import { drafts } from '#test/fidelity/arbitrary-events.ts';
import { haveSchemas, type SchemaVersion as ServerVersion, validateEnvelope } from '#test/suites/ews-schema.ts';
import { sent } from '../ews.fixture.ts';
import { createAttachment } from '../operations/create-attachment.ts';
import { createItems } from '../operations/create-item.ts';
import { deleteAttachment } from '../operations/delete-attachment.ts';
import { deleteItem } from '../operations/delete-item.ts';
import { getAttachment } from '../operations/get-attachment.ts';
import { getItem } from '../operations/get-item.ts';
import { getUserAvailability } from '../operations/get-user-availability.ts';
import { feedOf } from '../operations/sync-folder-items.ts';
import { updateItems } from '../operations/update-item.ts';
import { uploadItems } from '../operations/upload-items.ts';
import { atLeast, type SchemaVersion } from '../server-version.ts';
import { attachmentsPath } from '../typed/attachments.ts';
import { recurrenceLoss } from '../typed/recurrence-codec.ts';
import { shownItem } from '../typed/shown-item.ts';
import { eventHeadPaths, readTypedHead } from '../typed-heads.ts';
import { eventPaths, readFields, writeEvent, writeEventUpdates, writeParts } from './event-codec.ts';

const servers = [
  ['2007', 'Exchange2007_SP1'],
  ['2010', 'Exchange2010_SP2'],
  ['2013', 'Exchange2013_SP1'],
  ['2016', 'Exchange2016'],
  ['se', 'Exchange2016'],
] as const satisfies readonly (readonly [ServerVersion, SchemaVersion])[];
const terms = (version: SchemaVersion, isOccurrence = false) => ({
  version,
  isOccurrence,
  signalAt: 1_800_000_000_000,
});
const owner = 'anna@example.test';
const folder = 'AAMkFOLDER=' as FolderId;
const id = 'AAMkITEM=' as ItemId;
const at = { id, version: 'CQAAA=' as Version };

/** What a server that keeps everything shows of what it was told. */
function shownBack(fields: EventFields, version: SchemaVersion) {
  const xml = writeEvent(writeParts(fields, terms(version)));
  const namespaced = xml.replace(
    '<t:CalendarItem>',
    '<t:CalendarItem xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">',
  );
  return readFields(shownItem(parseXmlBytes(namespaced).root));
}

/** Fields that this version has no words for. */
function sayable({ organizer: _, attachments: __, ...fields }: EventFields, version: SchemaVersion) {
  const own = fields.recurrence;
  const kept = own !== null && recurrenceLoss(own, version) !== null ? { recurrence: null } : {};
  const place = fields.showAs === 'working-elsewhere' && !atLeast(version, 'Exchange2013') ? { showAs: 'free' } : {};
  return { ...fields, ...kept, ...place };
}

describe.each([
  'Exchange2007_SP1',
  'Exchange2010_SP2',
  'Exchange2016',
] as const)('events in the words of %s', (version) => {
  test('come back as they were written', () => {
    fc.assert(
      fc.property(drafts(owner), ({ item: { fields } }) => {
        const { fields: back, extras, unreadable } = shownBack(fields, version);
        const { organizer: _, ...rest } = back;
        const lost = fields.recurrence !== null && recurrenceLoss(fields.recurrence, version) !== null;
        expect(lost ? { ...rest, recurrence: null } : rest).toEqual(sayable(fields, version));
        expect([extras, unreadable]).toEqual([[], []]);
      }),
      { numRuns: 200 },
    );
  });
});

test('what cannot be read is kept as it came, and the item is still one', () => {
  const shown = (inner: string) =>
    readFields(
      shownItem(
        parseXmlBytes(
          `<t:CalendarItem xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><t:Start>2024-01-01T10:00:00Z</t:Start><t:End>2024-01-01T11:00:00Z</t:End>${inner}</t:CalendarItem>`,
        ).root,
      ),
    );
  const odd = shown('<t:Sensitivity>Secret</t:Sensitivity><t:LegacyFreeBusyStatus>NoData</t:LegacyFreeBusyStatus>');
  expect(odd.fields).toMatchObject({ sensitivity: 'normal', showAs: 'busy' });
  expect(odd.extras.map(({ values }) => values)).toEqual([['NoData'], ['Secret']]);
  const forbidden = shown('<t:Subject>a&#x1;b</t:Subject>');
  expect(forbidden.fields.subject).toBe('a\uFFFDb');
  expect(forbidden.extras).toHaveLength(1);
  // Without these it would be another event.
  expect(shown('<t:Recurrence><t:HourlyRecurrence/></t:Recurrence>').unreadable).toEqual(['recurrence']);
});

describe.skipIf(!haveSchemas())('requests against the schemas', () => {
  describe.each(servers)('%s', (server, version) => {
    const valid = async (body: Parameters<typeof sent>[0]) =>
      expect(validateEnvelope(server, await sent(body, version))).toEqual([]);

    test('every event as a create, an update and a change of an occurrence', async () => {
      await fc.assert(
        fc.asyncProperty(drafts(owner), async ({ item: { fields } }) => {
          const item = rawXml(writeEvent(writeParts(fields, terms(version))));
          await valid(createItems.write({ folder, items: [item, item] }, version));
          const change = (ref: ItemId | { master: ItemId; index: number }, isOccurrence: boolean) => {
            const { recurrence, organizer: _, ...own } = fields;
            const written = isOccurrence ? own : { ...own, recurrence };
            return {
              ref,
              expect: at.version,
              updates: rawXml(writeEventUpdates(writeParts(written, terms(version, isOccurrence)))),
            };
          };
          const changes = [change(id, false), change({ master: id, index: 3 }, true)];
          await valid(updateItems.write({ changes, onlyExpected: true }, version));
        }),
        { numRuns: 25 },
      );
    });

    test('reads, deletions, attachments and free/busy', async () => {
      const paths = eventHeadPaths + eventPaths(version) + attachmentsPath;
      await valid(getItem.write({ ids: [id, { master: id, index: 1 }], shape: { paths } }, version));
      await valid(
        feedOf({ paths: eventHeadPaths, readHead: readTypedHead }).write({ folder, cursor: null, max: 512 }, version),
      );
      await valid(deleteItem.write([{ master: id, index: 2 }, id], version));
      await valid(getAttachment.write(['AAMkATTACHMENT=', 'x&y'], version));
      await valid(deleteAttachment.write(['AAMkATTACHMENT='], version));
      await valid(getUserAvailability.write({ address: owner, from: 0, to: 86_400_000 }, version));
      if (server !== '2007')
        await valid(uploadItems.write({ folder, streams: [payloadOfBytes(Buffer.from('stream'))] }, version));
      const [draft] = fc.sample(
        drafts(owner).filter(({ attachments }) => attachments.length === 2),
        { seed: 1, numRuns: 1 },
      );
      const attachments = (draft?.attachments ?? []).flatMap((one) => [
        one,
        { ...one, head: { ...one.head, kind: 'item' as const, contentType: null, contentId: 'a@b', isInline: true } },
      ]);
      await valid(createAttachment.write({ parent: at, attachments }, version));
    });
  });
});

test('nobody is told of any write', () => {
  for (const [, version] of servers) {
    const said = (body: Parameters<typeof sent>[0]) => body.parts.join('');
    expect(said(createItems.write({ folder, items: [] }, version))).toContain('SendMeetingInvitations="SendToNone"');
    const update = updateItems.write({ changes: [], onlyExpected: false }, version);
    expect(said(update)).toContain('SendMeetingInvitationsOrCancellations="SendToNone"');
    expect(said(deleteItem.write([id], version))).toContain('SendMeetingCancellations="SendToNone"');
  }
});

test('every field of the table is read', () => {
  const asked = eventPaths('Exchange2016');
  for (const field of eventFields) {
    if (field === 'attachments') continue;
    const { ews, mapi } = eventProperties[field];
    const own =
      ews.length > 0
        ? ews.map((uri) => `"${uri}"`)
        : mapi.map((one) => ('lid' in one ? `PropertyId="${one.lid}"` : 'name' in one ? one.name : `0x${one.tag}`));
    for (const path of own) expect(asked, field).toContain(path);
  }
});
