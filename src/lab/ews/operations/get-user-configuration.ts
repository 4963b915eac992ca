import { batch } from '../answer.ts';
import { EwsError } from '../ews-error.ts';
import { folderIdXml } from '../folder-shape.ts';
import type { Operation } from '../operation.ts';
import { attribute, child } from '../request.ts';
import { esc } from '../xml-out.ts';

const zones = { en: 'GMT Standard Time', de: 'W. Europe Standard Time', fr: 'W. Europe Standard Time' } as const;

/** Knows one object: what Outlook on the web keeps of a person. DavMail reads the time zone there. (EWS doc: getuserconfiguration-operation) */
export const getUserConfiguration: Operation = {
  request: 'GetUserConfiguration',
  name: 'GetUserConfiguration',
  since: 'Exchange2010',
  run(request, context) {
    return batch(context, 'GetUserConfiguration', [child(request, 'UserConfigurationName')], (element) => {
      const [id] = element?.children ?? [];
      if (element === null || id === undefined) throw new EwsError('ErrorInvalidRequest');
      const folder = context.folder(id);
      const name = attribute(element, 'Name') ?? '';
      if (name !== 'OWA.UserOptions') throw new EwsError('ErrorItemNotFound');
      const wanted = child(request, 'UserConfigurationProperties')?.text ?? 'All';
      const dictionary =
        wanted.includes('All') || wanted.includes('Dictionary')
          ? `<t:Dictionary><t:DictionaryEntry><t:DictionaryKey><t:Type>String</t:Type><t:Value>timezone</t:Value></t:DictionaryKey><t:DictionaryValue><t:Type>String</t:Type><t:Value>${zones[folder.mailbox.language]}</t:Value></t:DictionaryValue></t:DictionaryEntry></t:Dictionary>`
          : '';
      return `<m:UserConfiguration><t:UserConfigurationName Name="${esc(name)}">${folderIdXml(folder)}</t:UserConfigurationName>${dictionary}</m:UserConfiguration>`;
    });
  },
};
