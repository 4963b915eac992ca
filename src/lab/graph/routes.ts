import { attachmentRoutes, messageHolders } from './attachments.ts';
import { calendarRoutes } from './calendars.ts';
import { contactRoutes } from './contacts.ts';
import { directoryRoutes } from './directory-routes.ts';
import { eventRoutes } from './events.ts';
import { mailFolderRoutes } from './mail-folders.ts';
import { mailboxItemRoutes } from './mailbox-items.ts';
import { settingsRoutes } from './mailbox-settings.ts';
import { transferRoutes } from './mailbox-transfer.ts';
import { messageRoutes } from './messages.ts';
import type { Parameters, Route } from './route.ts';
import { subscriptionRoutes } from './subscription-routes.ts';
import { taskRoutes } from './tasks.ts';
import { userRoutes } from './users.ts';

/** Everything that the lab answers below a version. */
const routes: readonly Route[] = [
  ...userRoutes,
  ...directoryRoutes,
  ...mailFolderRoutes,
  ...messageRoutes,
  ...messageHolders.flatMap(attachmentRoutes),
  ...transferRoutes,
  ...mailboxItemRoutes,
  ...contactRoutes,
  ...taskRoutes,
  ...calendarRoutes,
  ...eventRoutes,
  ...settingsRoutes,
  ...subscriptionRoutes,
];

interface Node {
  readonly literals: Map<string, Node>;
  parameter: { readonly name: string; readonly node: Node } | null;
  readonly routes: Map<string, Route>;
}
const empty = (): Node => ({ literals: new Map(), parameter: null, routes: new Map() });

function treeOf(all: readonly Route[]): Node {
  const root = empty();
  for (const route of all) {
    let node = root;
    for (const segment of route.path.split('/')) {
      if (segment.startsWith('{')) {
        node.parameter ??= { name: segment.slice(1, -1), node: empty() };
        node = node.parameter.node;
      } else {
        const lower = segment.toLowerCase();
        const next = node.literals.get(lower) ?? empty();
        node.literals.set(lower, next);
        node = next;
      }
    }
    node.routes.set(route.method, route);
  }
  return root;
}
const tree = treeOf(routes);

export type Match =
  | { readonly kind: 'found'; readonly route: Route; readonly parameters: Parameters }
  /** The path is known, with other methods. */
  | { readonly kind: 'method'; readonly allowed: readonly string[] }
  | { readonly kind: 'none'; readonly segment: string };

/** @param segments of the path below the version, decoded. */
export function matchRoute(method: string, segments: readonly string[]): Match {
  let node = tree;
  const parameters: Record<string, string> = {};
  for (const segment of segments) {
    // Functions come with brackets and without.
    const literal = node.literals.get(segment.toLowerCase().replace(/\(\)$/, ''));
    if (literal !== undefined) node = literal;
    else if (node.parameter !== null) {
      parameters[node.parameter.name] = segment;
      node = node.parameter.node;
    } else return { kind: 'none', segment };
  }
  const route = node.routes.get(method);
  if (route !== undefined) return { kind: 'found', route, parameters };
  return node.routes.size === 0
    ? { kind: 'none', segment: segments[segments.length - 1] ?? '' }
    : { kind: 'method', allowed: [...node.routes.keys()] };
}
