import type { XmlElement } from '#formats/text/xml-read.ts';
import type { Folder } from '../../world/folder.ts';
import { setPermissions } from '../../world/folder-permissions.ts';
import { key, serverOwned } from '../../world/property.ts';
import { batch } from '../answer.ts';
import { EwsError } from '../ews-error.ts';
import { folderElementOf, folderIdXml } from '../folder-shape.ts';
import type { Operation } from '../operation.ts';
import { readPermissionSet } from '../permission-set.ts';
import { isPath, readExtendedProperty, readPath } from '../property-path.ts';
import { attribute, child, kids } from '../request.ts';

/** EWS doc: updatefolder-operation. */
export const updateFolder: Operation = {
  request: 'UpdateFolder',
  name: 'UpdateFolder',
  since: 'Exchange2007',
  run(request, context) {
    return batch(
      context,
      'UpdateFolder',
      kids(child(request, 'FolderChanges')),
      (change) => {
        const [id] = change.children;
        if (id === undefined) throw new EwsError('ErrorInvalidRequest');
        const folder = context.folder(id);
        const changeKey = attribute(id, 'ChangeKey');
        if (changeKey !== null && changeKey !== '' && folder.mailbox.ids.cnOf(changeKey) !== folder.cn)
          throw new EwsError('ErrorFolderSaveError', 'The folder was changed by somebody else.');
        const collected: { name?: string; containerClass?: string | null } = {};
        for (const one of kids(child(change, 'Updates'))) read(folder, one, collected);
        folder.mailbox.updateFolder(folder, collected, context.hand());
        const made = folderElementOf(folder);
        return `<m:Folders><t:${made}>${folderIdXml(folder)}</t:${made}></m:Folders>`;
      },
      '<m:Folders/>',
    );
  },
};

function read(folder: Folder, one: XmlElement, into: { name?: string; containerClass?: string | null }): void {
  const pathElement = one.children.find(isPath);
  if (pathElement === undefined) throw new EwsError('ErrorInvalidRequest');
  const path = readPath(pathElement);
  if (one.name === 'DeleteFolderField') {
    if (path.kind === 'extended') folder.properties.delete(path.key);
    else if (path.uri === 'folder:PermissionSet') return;
    else throw new EwsError('ErrorInvalidPropertyDelete');
    return;
  }
  if (one.name === 'AppendToFolderField') throw new EwsError('ErrorInvalidPropertyAppend');
  const holder = one.children.find((inner) => !isPath(inner));
  if (holder === undefined || holder.children.length !== 1) throw new EwsError('ErrorIncorrectUpdatePropertyCount');
  const [field] = holder.children;
  if (field === undefined) throw new EwsError('ErrorIncorrectUpdatePropertyCount');
  const name = path.kind === 'extended' ? 'ExtendedProperty' : path.uri.slice('folder:'.length);
  if (field.name !== name) throw new EwsError('ErrorUpdatePropertyMismatch');
  switch (name) {
    case 'DisplayName':
      into.name = field.text;
      return;
    case 'FolderClass':
      throw new EwsError('ErrorInvalidPropertySet');
    case 'PermissionSet':
      setPermissions(folder, readPermissionSet(field, folder));
      return;
    case 'PolicyTag':
    case 'ArchiveTag':
      return;
    case 'ExtendedProperty': {
      const { key: at, property } = readExtendedProperty(field);
      if (at === key.containerClass) into.containerClass = String(property.value);
      else if (at === key.hidden) folder.hidden = property.value === true;
      else if (at === key.displayName) into.name = String(property.value);
      else if (!serverOwned.has(at)) folder.properties.set(at, property);
      return;
    }
    default:
      throw new EwsError('ErrorInvalidPropertySet');
  }
}
