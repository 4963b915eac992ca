import { mailboxGuidOf } from '../../world/ids.ts';
import { batch } from '../answer.ts';
import { EwsError } from '../ews-error.ts';
import type { Operation } from '../operation.ts';
import { attribute, child, kids } from '../request.ts';
import { esc } from '../xml-out.ts';

/** The EWS id behind an id in another form. The lab's forms differ in spelling only. */
function toEws(format: string, id: string): string {
  switch (format) {
    case 'EwsId':
    case 'EwsLegacyId':
      return id;
    case 'EntryId':
    case 'StoreId':
      return Buffer.from(id, 'base64').toString('base64');
    case 'HexEntryId': {
      if (!/^(?:[0-9A-F]{2})+$/i.test(id)) throw new EwsError('ErrorInvalidIdMalformed');
      return Buffer.from(id, 'hex').toString('base64');
    }
    case 'OwaId':
      return decodeURIComponent(id).replaceAll('-', '/').replaceAll('_', '+');
    default:
      throw new EwsError('ErrorInvalidIdMalformed');
  }
}

function fromEws(format: string, id: string): string {
  switch (format) {
    case 'HexEntryId':
      return Buffer.from(id, 'base64').toString('hex').toUpperCase();
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
      const id = toEws(attribute(source, 'Format') ?? '', attribute(source, 'Id') ?? '');
      const guid = mailboxGuidOf(id);
      const mailbox = guid === null ? null : context.organization.mailboxByGuid(guid);
      // The mailbox given may be any; the answer names the one the id belongs to. DavMail finds out its address that way.
      if (mailbox === null || mailbox.ids.read(id) === null) throw new EwsError('ErrorInvalidIdMalformed');
      return `<m:AlternateId xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="t:AlternateIdType" Format="${format}" Id="${esc(fromEws(format, id))}" Mailbox="${mailbox.address}"/>`;
    });
  },
};
