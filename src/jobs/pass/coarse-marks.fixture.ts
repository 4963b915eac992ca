import type { Connector } from '#connectors/contract.ts';
import type { FolderTree } from '#model/folder.ts';

/** A server whose marks stand still and settle when they are told to. */
export function withCoarseMarks(connector: Connector, marks: { readonly settling: boolean }): Connector {
  const coarse = (tree: FolderTree): FolderTree => ({
    ...tree,
    folders: tree.folders.map((folder) => ({ ...folder, mark: 'this second', settling: marks.settling })),
  });
  return {
    ...connector,
    mailbox(address) {
      const mailbox = connector.mailbox(address);
      return { ...mailbox, tree: async (context) => coarse(await mailbox.tree(context)) };
    },
  };
}
