import { key, serverOwned } from '../../world/property.ts';
import { batch } from '../answer.ts';
import { EwsError } from '../ews-error.ts';
import { folderElementOf, folderIdXml } from '../folder-shape.ts';
import type { Operation } from '../operation.ts';
import { readExtendedProperty } from '../property-path.ts';
import { child, childText, kids } from '../request.ts';

const classes: Readonly<Record<string, string>> = {
  CalendarFolder: 'IPF.Appointment',
  ContactsFolder: 'IPF.Contact',
  TasksFolder: 'IPF.Task',
  Folder: 'IPF.Note',
};
const writable: ReadonlySet<string> = new Set([
  'DisplayName',
  'FolderClass',
  'ExtendedProperty',
  'PermissionSet',
  'SearchParameters',
  'PolicyTag',
  'ArchiveTag',
]);

/** EWS doc: createfolder-operation. */
export const createFolder: Operation = {
  request: 'CreateFolder',
  name: 'CreateFolder',
  since: 'Exchange2007',
  run(request, context) {
    return batch(
      context,
      'CreateFolder',
      kids(child(request, 'Folders')),
      (element) => {
        const parent = context.folderIn(request, 'ParentFolderId', 'ErrorParentFolderNotFound');
        const name = childText(element, 'DisplayName');
        if (name === null || name === '') throw new EwsError('ErrorFolderSavePropertyError', 'A folder needs a name.');
        for (const field of element.children)
          if (!writable.has(field.name)) throw new EwsError('ErrorInvalidPropertySet');
        if (element.name === 'SearchFolder')
          throw new EwsError('ErrorInvalidOperation', 'The lab makes no search folders.');
        const containerClass = childText(element, 'FolderClass') ?? classes[element.name] ?? null;
        const expected = classes[element.name];
        if (
          element.name !== 'Folder' &&
          expected !== undefined &&
          !(containerClass ?? '').toLowerCase().startsWith(expected.toLowerCase())
        )
          throw new EwsError('ErrorNoFolderClassOverride', 'The class of this kind of folder cannot be another one.');
        const extended = kids(element)
          .filter((field) => field.name === 'ExtendedProperty')
          .map(readExtendedProperty);
        const folder = parent.mailbox.createFolder(parent, name, containerClass, context.hand());
        for (const { key: at, property } of extended) {
          if (at === key.hidden) folder.hidden = property.value === true;
          else if (!serverOwned.has(at)) folder.properties.set(at, property);
        }
        const made = folderElementOf(folder);
        return `<m:Folders><t:${made}>${folderIdXml(folder)}</t:${made}></m:Folders>`;
      },
      '<m:Folders/>',
    );
  },
};
