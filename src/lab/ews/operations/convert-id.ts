import { mailboxGuidOf, mailboxGuidOfEntryId } from '../../world/ids.ts';
import type { Mailbox } from '../../world/mailbox.ts';
import { batch } from '../answer.ts';
import type { Context } from '../context.ts';
import { EwsError } from '../ews-error.ts';
import type { Operation } from '../operation.ts';
import { attribute, child, kids } from '../request.ts';
import { esc } from '../xml-out.ts';

/** The EWS id behind an id in another form. */
function toEws(context: Context, format: string, id: string): string {
  switch (format) {
    case 'EwsId':
    case 'EwsLegacyId':
      return id;
    case 'EntryId':
    case 'StoreId':
      return ofEntryId(context, Buffer.from(id, 'base64'));
    case 'HexEntryId':
      return ofEntryId(context, Buffer.from(id, 'hex'));
    case 'OwaId':
      return decodeURIComponent(id).replaceAll('-', '/').replaceAll('_', '+');
    default:
      throw new EwsError('ErrorInvalidIdMalformed');
  }
}

function ofEntryId(context: Context, entryId: Buffer): string {
  const guid = mailboxGuidOfEntryId(entryId);
  const id = guid === null ? null : (context.organization.mailboxByGuid(guid)?.ids.fromEntryId(entryId) ?? null);
  if (id === null) throw new EwsError('ErrorInvalidIdMalformed');
  return id;
}

function fromEws(format: string, id: string, mailbox: Mailbox): string {
  const read = mailbox.ids.read(id);
  if (read === null) throw new EwsError('ErrorInvalidIdMalformed');
  const entryId = (): Buffer =>
    read.kind === 'folder' ? mailbox.ids.folderEntryId(read.no) : mailbox.ids.itemEntryId(read.folderNo, read.no);
  switch (format) {
    case 'EntryId':
    case 'StoreId':
      return entryId().toString('base64');
    case 'HexEntryId':
      return entryId().toString('hex').toUpperCase();
    case 'OwaId':
      return encodeURIComponent(id.replaceAll('/', '-').replaceAll('+', '_'));
    default:
      return id;
  }
}

/** EWS doc: convertid-operation. */
export const convertId: Operation = {
  request: 'ConvertId',
  name: 'ConvertId',
  since: 'Exchange2007_SP1',
  run(request, context) {
    const format = attribute(request, 'DestinationFormat') ?? 'EwsId';
    return batch(context, 'ConvertId', kids(child(request, 'SourceIds')), (source) => {
      if (source.name !== 'AlternateId')
        throw new EwsError('ErrorUnsupportedTypeForConversion', 'The lab has no public folders.');
      const id = toEws(context, attribute(source, 'Format') ?? '', attribute(source, 'Id') ?? '');
      const guid = mailboxGuidOf(id);
      const mailbox = guid === null ? null : context.organization.mailboxByGuid(guid);
      // The mailbox given may be any; the answer names the one the id belongs to. DavMail finds out its address that way.
      if (mailbox === null) throw new EwsError('ErrorInvalidIdMalformed');
      return `<m:AlternateId xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="t:AlternateIdType" Format="${format}" Id="${esc(fromEws(format, id, mailbox))}" Mailbox="${mailbox.address}"/>`;
    });
  },
};
