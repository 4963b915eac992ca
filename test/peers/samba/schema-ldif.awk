# Makes LDIF of exchange-schema.txt, one file per transaction, since a server knows a new attribute or class from the next one on:
#   awk -v schema=CN=Schema,… -v out=PREFIX -f schema-ldif.awk exchange-schema.txt
# writes PREFIX.1.ldif (attributes), PREFIX.2.ldif (back links), PREFIX.3.ldif … (classes, and what mail recipients may have).

BEGIN {
  # attributeSyntax, oMSyntax, oMObjectClass ([MS-ADTS] 3.1.1.2.2.2)
  syntax["text"] = "2.5.5.12 64";  syntax["ia5"] = "2.5.5.5 22";   syntax["print"] = "2.5.5.5 19"; syntax["int"] = "2.5.5.9 2"
  syntax["large"] = "2.5.5.16 65"; syntax["bool"] = "2.5.5.8 1";   syntax["octet"] = "2.5.5.10 4"; syntax["sid"] = "2.5.5.17 4"
  syntax["sd"] = "2.5.5.15 66";    syntax["time"] = "2.5.5.11 24"; syntax["dn"] = "2.5.5.1 127 KwwCh3McAIVK"
  syntax["orname"] = "2.5.5.7 127 VgYBAgULHQ=="
  category["structural"] = 1; category["auxiliary"] = 3
  stage = 3
}

function file(n) { return out "." n ".ldif" }
function values(name, list, n,    i, part, count) {
  if (list == "-") return
  count = split(list, part, ",")
  for (i = 1; i <= count; i++) print name ": " part[i] > file(n)
}

/^attribute / {
  name = $2; oid[name] = "1.2.840.113556." $4
  cn = substr($3, 1, 1) == "=" ? substr($3, 2) : "ms-Exch-" $3
  n = $8 ~ /^of:/ || name ~ /BL$/ ? 2 : 1
  print "dn: CN=" cn "," schema "\nchangetype: add\nobjectClass: attributeSchema\ncn: " cn "\nlDAPDisplayName: " name > file(n)
  split(syntax[$5], s, " ")
  print "attributeID: " oid[name] "\nattributeSyntax: " s[1] "\noMSyntax: " s[2] > file(n)
  if (s[3] != "") print "oMObjectClass:: " s[3] > file(n)
  print "isSingleValued: " ($6 == "one" ? "TRUE" : "FALSE") > file(n)
  if ($7 != "-") { split($7, r, "[.][.]"); print "rangeLower: " r[1] "\nrangeUpper: " r[2] > file(n) }
  if ($8 == "auto") print "linkID: 1.2.840.113556.1.2.50" > file(n)
  else if ($8 ~ /^of:/) print "linkID: " oid[substr($8, 4)] > file(n)
  else if ($8 != "-") print "linkID: " $8 > file(n)
  print "searchFlags: " $9 "\nisMemberOfPartialAttributeSet: " ($10 == "gc" ? "TRUE" : "FALSE") "\nshowInAdvancedViewOnly: TRUE" > file(n)
  if ($12 != "-") print "schemaIDGUID: " $12 > file(n)
  print "" > file(n)
  if ($11 != "-") used[$11] = used[$11] "," name
}

/^next/ { stage++ }

/^class / {
  cn = "ms-Exch-" $3
  print "dn: CN=" cn "," schema "\nchangetype: add\nobjectClass: classSchema\ncn: " cn "\nlDAPDisplayName: " $2 > file(stage)
  print "governsID: 1.2.840.113556." $4 "\nobjectClassCategory: " category[$5] "\nsubClassOf: " $6 "\nrDNAttID: cn" > file(stage)
  values("auxiliaryClass", $7, stage); values("possSuperiors", $8, stage); values("mayContain", $9, stage)
  if ($2 == "msExchCustomAttributes") values("mayContain", substr(used["custom"], 2), stage)
  if ($2 == "msExchMailStorage") values("mayContain", substr(used["storage"], 2), stage)
  print "schemaIDGUID: " $10 "\ndefaultHidingValue: FALSE\nshowInAdvancedViewOnly: TRUE\nsystemOnly: FALSE" > file(stage)
  # Everybody who signed in may read, as the setup of Exchange gives it.
  print "defaultSecurityDescriptor: D:(A;;GA;;;SY)(A;;GA;;;DA)(A;;RPLCLORC;;;AU)" > file(stage)
  print "defaultObjectCategory: CN=" cn "," schema "\n" > file(stage)
}

/^extend / {
  print "dn: CN=" $2 "," schema "\nchangetype: modify\nadd: auxiliaryClass" > file(stage)
  values("auxiliaryClass", $3, stage)
  print "" > file(stage)
}

END {
  print "dn: CN=Mail-Recipient," schema "\nchangetype: modify\nadd: mayContain" > file(3)
  values("mayContain", substr(used["mail"], 2), 3)
  print "" > file(3)
}
