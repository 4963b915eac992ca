"""Carries what changed in the domain from one controller into the database of another one, which may be running:

    replicate.py FROM_ADDRESS ADMIN_PASSWORD DOMAIN SAM_LDB SMB_CONF
"""

import sys

from samba import gensec
from samba.auth import system_session
from samba.credentials import DONT_USE_KERBEROS, Credentials
from samba.dcerpc import misc
from samba.drs_utils import drs_Replicate
from samba.param import LoadParm
from samba.samdb import SamDB

address, password, domain, sam, config = sys.argv[1:]
lp = LoadParm()
lp.load(config)
admin = Credentials()
admin.guess(lp)
admin.set_username("Administrator")
admin.set_password(password)
admin.set_domain(domain)
admin.set_kerberos_state(DONT_USE_KERBEROS)
admin.set_gensec_features(admin.get_gensec_features() | gensec.FEATURE_SEAL)
here = SamDB(url=sam, session_info=system_session(), lp=lp)
there = SamDB(url="ldap://%s" % address, credentials=admin, lp=lp)
drs = drs_Replicate("ncacn_ip_tcp:%s[seal]" % address, lp, admin, here, misc.GUID(here.get_invocation_id()))
drs.replicate(
    str(here.domain_dn()),
    misc.GUID(there.get_invocation_id()),
    misc.GUID(here.get_ntds_GUID()),
    rodc=False,
    full_sync=False,
)
