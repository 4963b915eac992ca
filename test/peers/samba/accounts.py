"""Makes the accounts that the tests work as, with the rights that docs/operating/directory-rights.md asks for, in the file of a
forest that is not running:

    accounts.py SAM_LDB SMB_CONF FOREST

"sync" has them all; "guest-sync" neither in OU=Closed, nor to replicate changes, nor to see deleted objects.
"""

import sys

import ldb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

sam, config, forest = sys.argv[1:]
lp = LoadParm()
lp.load(config)
db = SamDB(url=sam, session_info=system_session(), lp=lp, flags=ldb.FLG_NOSYNC)
root = str(db.domain_dn())
domain_sid = security.dom_sid(db.get_domain_sid())

REPLICATING_CHANGES = "(OA;;CR;1131f6aa-9c07-11d1-f79f-00c04fc2dcd2;;{sid})"
# Make and delete entries, list them, read and write their attributes: here and below.
DELEGATED = "(A;CI;CCDCLCRPWPSDLORC;;;{sid})"
SEE_DELETED = "(A;;LCRP;;;{sid})"

rights = {
    "sync": [
        (root, REPLICATING_CHANGES),
        ("CN=Deleted Objects," + root, SEE_DELETED),
        ("OU=People," + root, DELEGATED),
        ("OU=Partner," + root, DELEGATED),
        ("OU=Closed," + root, DELEGATED),
    ],
    "guest-sync": [("OU=People," + root, DELEGATED), ("OU=Partner," + root, DELEGATED)],
}


def grant(dn, ace):
    controls = ["show_deleted:1", "sd_flags:1:4"]
    [entry] = db.search(dn, scope=ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"], controls=controls)
    sddl = ndr_unpack(security.descriptor, entry["nTSecurityDescriptor"][0]).as_sddl(domain_sid)
    # Entries that were inherited come behind the entry's own.
    cut = sddl.index("(") if "(" in sddl else len(sddl)
    changed = security.descriptor.from_sddl(sddl[:cut] + ace + sddl[cut:], domain_sid)
    message = ldb.Message(ldb.Dn(db, dn))
    message["sd"] = ldb.MessageElement(ndr_pack(changed), ldb.FLAG_MOD_REPLACE, "nTSecurityDescriptor")
    db.modify(message, controls)


db.transaction_start()
for name in rights:
    db.newuser(name, "Password.of.%s.%s" % (name, forest), userou="OU=Accounts")
db.transaction_commit()
db.transaction_start()
for name, granted in rights.items():
    [account] = db.search(root, expression="(sAMAccountName=%s)" % name, attrs=["objectSid"])
    sid = str(ndr_unpack(security.dom_sid, account["objectSid"][0]))
    for dn, ace in granted:
        grant(dn, ace.format(sid=sid))
db.transaction_commit()

# A feed without any deleted object could as well be one that shows none.
once = "CN=deleted before the tests,OU=People," + root
db.add({"dn": once, "objectClass": "contact"})
db.delete(once)
