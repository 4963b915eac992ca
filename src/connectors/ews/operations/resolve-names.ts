import { child, children, childText } from '#formats/text/xml-read.ts';
import { xml } from '#formats/text/xml-write.ts';
import { messagesNamespace, typesNamespace } from '../namespaces.ts';
import { aboutFolders, type Operation } from '../operation.ts';

/**
 * Primary addresses of everybody in the directory whom an address, by any proxy address, may mean; `gone` for nobody.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/resolvenames-operation
 */
export const resolveNames: Operation<string, readonly string[]> = {
  name: 'ResolveNames',
  subject: aboutFolders(false),
  answers: () => 1,
  write: (address) =>
    xml`<m:ResolveNames ReturnFullContactData="false" SearchScope="ActiveDirectory"><m:UnresolvedEntry>smtp:${address}</m:UnresolvedEntry></m:ResolveNames>`,
  reader: () => ({
    read(message) {
      const set = child(message, messagesNamespace, 'ResolutionSet');
      return (set === null ? [] : children(set, typesNamespace, 'Resolution')).flatMap((one) => {
        const mailbox = child(one, typesNamespace, 'Mailbox');
        return (mailbox === null ? null : childText(mailbox, typesNamespace, 'EmailAddress')) ?? [];
      });
    },
  }),
};
