import type { Operation } from '../operation.ts';
import { createItem } from './create-item.ts';
import { findFolder } from './find-folder.ts';
import { findItem } from './find-item.ts';
import { getFolder } from './get-folder.ts';
import { getItem } from './get-item.ts';
import { syncFolderHierarchy } from './sync-folder-hierarchy.ts';
import { syncFolderItems } from './sync-folder-items.ts';

/** Everything the lab's EWS can do. */
export const operations: readonly Operation[] = [
  getFolder,
  findFolder,
  syncFolderHierarchy,
  syncFolderItems,
  findItem,
  getItem,
  createItem,
];
