import type { XmlElement } from '#formats/text/xml-read.ts';
import type { Folder } from '../../world/folder.ts';
import { batch } from '../answer.ts';
import type { Context } from '../context.ts';
import { EwsError } from '../ews-error.ts';
import { folderIdXml } from '../folder-shape.ts';
import type { Operation } from '../operation.ts';
import { attribute, child, serialize } from '../request.ts';
import { esc } from '../xml-out.ts';

const zones = { en: 'GMT Standard Time', de: 'W. Europe Standard Time', fr: 'W. Europe Standard Time' } as const;

/** What Outlook on the web keeps of everybody. DavMail reads the time zone there. */
const shipped = (folder: Folder): string =>
  `<t:Dictionary><t:DictionaryEntry><t:DictionaryKey><t:Type>String</t:Type><t:Value>timezone</t:Value></t:DictionaryKey><t:DictionaryValue><t:Type>String</t:Type><t:Value>${zones[folder.mailbox.language]}</t:Value></t:DictionaryValue></t:DictionaryEntry></t:Dictionary>`;

/** An associated item of a folder, by its name; its three streams as they were written. ([MS-OXOCFG] 2.2) */
interface Place {
  readonly folder: Folder;
  readonly name: string;
  readonly key: string;
}

function placeOf(element: XmlElement | null, context: Context): Place {
  const [id] = element?.children ?? [];
  if (element === null || id === undefined) throw new EwsError('ErrorInvalidRequest');
  const folder = context.folder(id);
  const name = attribute(element, 'Name') ?? '';
  // (EWS doc: userconfigurationname: letters, digits, dots, underscores and dashes)
  if (!/^[\w.-]{1,100}$/.test(name)) throw new EwsError('ErrorInvalidValueForProperty');
  return { folder, name, key: `configuration ${folder.no} ${name.toLowerCase()}` };
}

function streamsOf({ folder, name, key }: Place): string | null {
  return (
    folder.mailbox.settings.get(key) ?? (name === 'OWA.UserOptions' && folder.role === 'root' ? shipped(folder) : null)
  );
}

const streamNames = ['Dictionary', 'XmlData', 'BinaryData'];

/** EWS doc: getuserconfiguration-operation. */
export const getUserConfiguration: Operation = {
  request: 'GetUserConfiguration',
  name: 'GetUserConfiguration',
  since: 'Exchange2010',
  run(request, context) {
    return batch(context, 'GetUserConfiguration', [child(request, 'UserConfigurationName')], (element) => {
      const place = placeOf(element, context);
      const streams = streamsOf(place);
      if (streams === null) throw new EwsError('ErrorItemNotFound');
      const wanted = child(request, 'UserConfigurationProperties')?.text ?? 'All';
      const shown = streamNames
        .filter((name) => wanted.includes('All') || wanted.includes(name))
        .map((name) => new RegExp(`<t:${name}>.*?</t:${name}>`, 's').exec(streams)?.[0] ?? '');
      return `<m:UserConfiguration><t:UserConfigurationName Name="${esc(place.name)}">${folderIdXml(place.folder)}</t:UserConfigurationName>${shown.join('')}</m:UserConfiguration>`;
    });
  },
};

function writing(name: 'CreateUserConfiguration' | 'UpdateUserConfiguration'): Operation {
  return {
    request: name,
    name,
    since: 'Exchange2010',
    run(request, context) {
      return batch(context, name, [child(request, 'UserConfiguration')], (element) => {
        const place = placeOf(element === null ? null : child(element, 'UserConfigurationName'), context);
        const before = streamsOf(place);
        if (name === 'CreateUserConfiguration' && before !== null)
          throw new EwsError('ErrorItemSave', 'There is such an object already.');
        if (name === 'UpdateUserConfiguration' && before === null) throw new EwsError('ErrorItemNotFound');
        const streams = streamNames.map((stream) => {
          const given = element === null ? null : child(element, stream);
          return given === null ? '' : serialize(given);
        });
        place.folder.mailbox.settings.set(place.key, streams.join(''));
        place.folder.mailbox.markDirty();
        return '';
      });
    },
  };
}

/** EWS doc: createuserconfiguration-operation. */
export const createUserConfiguration = writing('CreateUserConfiguration');
/** EWS doc: updateuserconfiguration-operation. */
export const updateUserConfiguration = writing('UpdateUserConfiguration');

/** EWS doc: deleteuserconfiguration-operation. */
export const deleteUserConfiguration: Operation = {
  request: 'DeleteUserConfiguration',
  name: 'DeleteUserConfiguration',
  since: 'Exchange2010',
  run(request, context) {
    return batch(context, 'DeleteUserConfiguration', [child(request, 'UserConfigurationName')], (element) => {
      const place = placeOf(element, context);
      if (!place.folder.mailbox.settings.delete(place.key)) throw new EwsError('ErrorItemNotFound');
      place.folder.mailbox.markDirty();
      return '';
    });
  },
};
