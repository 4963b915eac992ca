import { expect, test } from 'vitest';
import type { TypedItems } from '#connectors/contract.ts';
import { seededRandom } from '#kit/random.ts';
import type { ContactFields } from '#model/contact.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { TypedItem } from '#model/typed-item.ts';
import { attachment, draftOf } from '#test/suites/typed-drafts.ts';
import { ewsConnector } from '../connector.ts';
import { answer, clock, context, failure, scripted, success } from '../ews.fixture.ts';

const folder = 'AAMkCONTACTS=' as FolderId;

function open(...script: readonly string[]) {
  const http = scripted(...script);
  const connector = ewsConnector({
    organization: 'org',
    http,
    impersonate: true,
    version: 'Exchange2016',
    clock,
    random: seededRandom('contacts'),
    spoolDir: '/tmp/causeway-never-used',
  });
  return { http, contacts: connector.mailbox('anna@example.test').typed('contacts') as TypedItems<'contacts'> };
}
const asked = ({ requests }: ReturnType<typeof open>['http']) => requests.map(({ operation }) => operation);

const id = (key = 'CQAA1') => `<t:Contact><t:ItemId Id="AAMkNEW=" ChangeKey="${key}"/></t:Contact>`;
const items = (operation: string, key?: string) => success(operation, `<m:Items>${id(key)}</m:Items>`);
const shown = (element: string, itemClass: string, key = 'CQAA1') =>
  success(
    'GetItem',
    `<m:Items><t:${element}><t:ItemId Id="AAMkNEW=" ChangeKey="${key}"/><t:ParentFolderId Id="F"/><t:ItemClass>${itemClass}</t:ItemClass></t:${element}></m:Items>`,
  );
const at = 'AAMkNEW=' as ItemId;
const draft = (fields: Partial<ContactFields> = {}) => draftOf('contacts', { fields });
const item = (fields: Partial<ContactFields> = {}): TypedItem<'contacts'> => {
  const { item: made } = draft(fields);
  return { ...made, head: { ...made.head, id: at, version: 'CQAA1' as Version } };
};

test('a create has its stamp and its form in the one request that makes it', async () => {
  const { http, contacts } = open(answer('CreateItem', items('CreateItem')));
  const { item: made, ...rest } = draft({ surname: 'Berg' });
  const own = { ...rest, item: { ...made, head: { ...made.head, itemClass: 'IPM.Contact.Patient' } } };
  expect(await contacts.create(folder, [own], context)).toMatchObject([{ id: at, version: 'CQAA1', unkept: {} }]);
  expect(asked(http)).toEqual(['CreateItem']);
  const [{ body } = { body: '' }] = http.requests;
  expect(body).toContain(own.stamp);
  expect(body).toContain('<t:ItemClass>IPM.Contact.Patient</t:ItemClass>');
});

test('a create whose attachments fail is taken away again, recoverably', async () => {
  const { http, contacts } = open(
    answer('CreateItem', items('CreateItem')),
    answer('CreateAttachment', failure('CreateAttachment', 'ErrorAttachmentSizeLimitExceeded')),
    answer('GetItem', shown('Contact', 'IPM.Contact', 'CQAA1')),
    answer('DeleteItem', success('DeleteItem')),
  );
  const withPicture = draftOf('contacts', { attachments: [attachment('ContactPicture.jpg', 'jpeg', 'image/jpeg')] });
  expect(await contacts.create(folder, [withPicture], context)).toMatchObject([{ kind: 'poison' }]);
  expect(asked(http)).toEqual(['CreateItem', 'CreateAttachment', 'GetItem', 'DeleteItem']);
  expect(http.requests[1]?.body).toContain('<t:IsContactPhoto>true</t:IsContactPhoto>');
  expect(http.requests[3]?.body).toContain('DeleteType="SoftDelete"');
});

test('an update names what changes, and the version it is of', async () => {
  const { http, contacts } = open(answer('UpdateItem', failure('UpdateItem', 'ErrorIrresolvableConflict')));
  const edit = { set: { phones: {} }, occurrences: [], attachments: new Map() };
  const before = item({ phones: { Pager: '1' }, surname: 'Berg' });
  expect(await contacts.update([{ item: before, edit }], context)).toMatchObject([{ kind: 'stale' }]);
  const [{ body } = { body: '' }] = http.requests;
  expect(body).toContain('ConflictResolution="NeverOverwrite"');
  expect(body).toContain('<t:ItemId Id="AAMkNEW=" ChangeKey="CQAA1"/>');
  expect(body).toContain(
    '<t:Updates><t:DeleteItemField><t:IndexedFieldURI FieldURI="contacts:PhoneNumber" FieldIndex="Pager"/></t:DeleteItemField></t:Updates>',
  );
});

test('attachments of an item that somebody else changed are left alone', async () => {
  const { http, contacts } = open(answer('GetItem', shown('Contact', 'IPM.Contact', 'CQAA2')));
  const edit = { set: { attachments: [] }, occurrences: [], attachments: new Map() };
  expect(await contacts.update([{ item: item(), edit }], context)).toMatchObject([{ kind: 'stale' }]);
  expect(asked(http)).toEqual(['GetItem']);
});

test.each([
  ['DistributionList', 'IPM.DistList'],
  ['Message', 'IPM.Note'],
])('a %s among contacts is not read as one, and why is said', async (element, itemClass) => {
  const { contacts } = open(answer('GetItem', shown(element, itemClass)));
  expect((await contacts.read([at], context)).get(at)).toMatchObject({
    kind: 'poison',
    reason: 'class-refused',
    detail: expect.stringContaining(itemClass),
  });
});
