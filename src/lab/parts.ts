import { ewsEndpoint } from './ews/endpoint.ts';
import { graphSite } from './graph/graph-site.ts';
import type { LabParts } from './lab.ts';
import { webdavSite } from './webdav/webdav-site.ts';
import { people } from './world/people.ts';

/** What the lab is made of when nobody says otherwise. */
export const labParts: LabParts = {
  ews: (organization) => ewsEndpoint(organization.world, organization.name),
  sites: (organization, front) => {
    if (organization.version === 'online') return [graphSite(organization, front)];
    return organization.version === '2003' ? [webdavSite(organization, front)] : [];
  },
  people,
};
