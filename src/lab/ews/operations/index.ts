import type { Operation } from '../operation.ts';
import { createAttachment, deleteAttachment, getAttachment } from './attachments.ts';
import { convertId } from './convert-id.ts';
import { createFolder } from './create-folder.ts';
import { createItem } from './create-item.ts';
import { addDelegate, getDelegate, removeDelegate, updateDelegate } from './delegates.ts';
import { deleteFolder } from './delete-folder.ts';
import { deleteItem } from './delete-item.ts';
import { emptyFolder } from './empty-folder.ts';
import { exportItems, uploadItems } from './export-items.ts';
import { findFolder } from './find-folder.ts';
import { findItem } from './find-item.ts';
import { getEvents } from './get-events.ts';
import { getFolder } from './get-folder.ts';
import { getItem } from './get-item.ts';
import { getServerTimeZones } from './get-server-time-zones.ts';
import { getStreamingEvents } from './get-streaming-events.ts';
import { getUserAvailability } from './get-user-availability.ts';
import { getInboxRules, updateInboxRules } from './inbox-rules.ts';
import { markAllItemsAsRead } from './mark-all-items-as-read.ts';
import { copyFolder, moveFolder } from './move-folder.ts';
import { copyItem, moveItem } from './move-item.ts';
import { resolveNames } from './resolve-names.ts';
import { sendItem } from './send-item.ts';
import { subscribe, unsubscribe } from './subscribe.ts';
import { syncFolderHierarchy } from './sync-folder-hierarchy.ts';
import { syncFolderItems } from './sync-folder-items.ts';
import { updateFolder } from './update-folder.ts';
import { updateItem } from './update-item.ts';
import {
  createUserConfiguration,
  deleteUserConfiguration,
  getUserConfiguration,
  updateUserConfiguration,
} from './user-configuration.ts';
import { getUserOofSettings, setUserOofSettings } from './user-oof-settings.ts';

/** Everything the lab's EWS can do. */
export const operations: readonly Operation[] = [
  getFolder,
  findFolder,
  createFolder,
  updateFolder,
  moveFolder,
  copyFolder,
  deleteFolder,
  emptyFolder,
  syncFolderHierarchy,
  syncFolderItems,
  findItem,
  getItem,
  createItem,
  updateItem,
  deleteItem,
  moveItem,
  copyItem,
  sendItem,
  markAllItemsAsRead,
  createAttachment,
  getAttachment,
  deleteAttachment,
  resolveNames,
  convertId,
  subscribe,
  unsubscribe,
  getEvents,
  getStreamingEvents,
  exportItems,
  uploadItems,
  getServerTimeZones,
  getUserOofSettings,
  setUserOofSettings,
  getInboxRules,
  updateInboxRules,
  getUserConfiguration,
  createUserConfiguration,
  updateUserConfiguration,
  deleteUserConfiguration,
  getUserAvailability,
  addDelegate,
  getDelegate,
  updateDelegate,
  removeDelegate,
];
