import type { MailboxEntry } from '../../world/organization.ts';
import { failure, responses, success } from '../answer.ts';
import { EwsError } from '../ews-error.ts';
import type { Operation } from '../operation.ts';
import { attribute, childText, isTrue } from '../request.ts';
import { t, type Xml } from '../xml-out.ts';

const max = 100;

/** Ambiguous name resolution against the organization's own people. (EWS doc: resolvenames-operation) */
export const resolveNames: Operation = {
  request: 'ResolveNames',
  name: 'ResolveNames',
  since: 'Exchange2007',
  run(request, context) {
    const name = 'ResolveNamesResponseMessage';
    const wanted = (childText(request, 'UnresolvedEntry') ?? '')
      .trim()
      .toLowerCase()
      .replace(/^(?:smtp|sip):/, '');
    const full = isTrue(attribute(request, 'ReturnFullContactData'));
    const matches = (entry: MailboxEntry): boolean =>
      entry.address.startsWith(wanted) ||
      entry.displayName
        .toLowerCase()
        .split(' ')
        .some((part) => part.startsWith(wanted)) ||
      entry.displayName.toLowerCase().startsWith(wanted);
    // An address finds whoever has it as any proxy address.
    const exact = context.organization.entry(context.organization.mailFlow.primary(wanted));
    const found = wanted === '' ? [] : exact !== null ? [exact] : context.organization.mailboxes.filter(matches);
    if (found.length === 0)
      return responses('ResolveNames', [failure(name, new EwsError('ErrorNameResolutionNoResults'))]);
    const set: Xml = [
      `<m:ResolutionSet TotalItemsInView="${found.length}" IncludesLastItemInRange="${found.length <= max}">`,
      found.slice(0, max).map((entry) => {
        const [given = '', ...rest] = entry.displayName.split(' ');
        const contact = full
          ? `<t:Contact>${t('DisplayName', entry.displayName)}${t('GivenName', given)}<t:EmailAddresses><t:Entry Key="EmailAddress1">SMTP:${entry.address}</t:Entry></t:EmailAddresses><t:ContactSource>ActiveDirectory</t:ContactSource>${t('Surname', rest.join(' '))}</t:Contact>`
          : '';
        return `<t:Resolution><t:Mailbox>${t('Name', entry.displayName)}${t('EmailAddress', entry.address)}<t:RoutingType>SMTP</t:RoutingType><t:MailboxType>Mailbox</t:MailboxType></t:Mailbox>${contact}</t:Resolution>`;
      }),
      '</m:ResolutionSet>',
    ];
    if (found.length === 1) return responses('ResolveNames', [success(name, set)]);
    return responses('ResolveNames', [
      [
        `<m:${name} ResponseClass="Warning"><m:MessageText>Multiple results were found.</m:MessageText><m:ResponseCode>ErrorNameResolutionMultipleResults</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>`,
        set,
        `</m:${name}>`,
      ],
    ]);
  },
};
